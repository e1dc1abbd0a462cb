"""Check what this host can do for podpy and for its Syncs, and say what to install or change.

A pass makes the same checks before it changes anything. Exit status 1 when something is missing
that podpy, a Sync or an applied pod cannot do without.
"""

from __future__ import annotations

from podpy import checkup, cli, tables
from podpy.checkup import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EXAMPLES = """
podpy doctor
podpy doctor -o json
"""

SIGNS = {Verdict.GOOD: "ok", Verdict.WARNING: "warning", Verdict.MISSING: "MISSING"}


def configure(parser: argparse.ArgumentParser) -> None:
    cli.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    from runtime import paths as runtime_paths

    findings = checkup.examine(runtime_paths.default())
    missing = sum(finding.verdict is Verdict.MISSING for finding in findings)
    if arguments.output == "json":
        import json

        from manifests import codec

        print(
            json.dumps(
                {
                    "healthy": not missing,
                    "findings": [
                        {**codec.encode(finding), "verdict": finding.verdict.value}
                        for finding in findings
                    ],
                },
                indent=2,
            )
        )
        return 1 if missing else 0
    rows = [(SIGNS[one.verdict], one.subject, one.text) for one in findings]
    gaps = tables.widths(rows)
    for finding, row in zip(findings, rows, strict=True):
        print(tables.line(row, gaps))
        if finding.hint:
            print(f"{' ' * gaps[0]}{' ' * gaps[1]}-> {finding.hint}")
    warnings = sum(finding.verdict is Verdict.WARNING for finding in findings)
    print()
    if missing:
        print(
            f"not all that is asked for can be done here: {missing} missing, warnings: {warnings}"
        )
    else:
        print(f"podpy can run pods here; warnings: {warnings}")
    return 1 if missing else 0

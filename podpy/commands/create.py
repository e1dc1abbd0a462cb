"""Make a Job of a CronJob now, whatever its schedule, as kubectl create job --from does.

The Job goes when its CronJob does; the history and the concurrency policy of the CronJob do not
count it. Other objects come from manifests: podpy apply -f FILE.
"""

from __future__ import annotations

from manifests.checks import names
from manifests.faults import Invalid
from manifests.meta import DEFAULT_NAMESPACE
from podpy import changes, cli
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from manifests.ref import Ref

EXAMPLES = """
podpy create job backup-now --from=cronjob/backup
"""


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    job = cli.verb(verbs, "job", "run a Job of a CronJob's template now")
    job.add_argument("name", metavar="NAME", help="of the Job")
    job.add_argument("--from", dest="source", required=True, metavar="cronjob/NAME", help="whose")
    job.add_argument("-n", "--namespace", default=DEFAULT_NAMESPACE, help="where both are")


def run(arguments: argparse.Namespace) -> int:
    from reconciler import scheduling

    context = Context()
    owner = _owner(arguments)
    fault = names.dns_subdomain(arguments.name)
    if fault:
        raise Invalid(f'create job: "{arguments.name}" {fault}')
    try:
        job = scheduling.record_manual(context.base, owner, arguments.name)
    except FileExistsError as error:
        raise Invalid(f"{error} is there already", hint="choose another name") from error
    if job is None:
        raise Invalid(f"{owner} is not there", hint="podpy get cronjobs -A")
    report = scheduling.run(context.host, [job], changes.show_outcome)
    return 1 if report is None or report.failed else 0


def _owner(arguments: argparse.Namespace) -> Ref:
    from podpy import names as naming

    refs = naming.parse([arguments.source], arguments.namespace) if "/" in arguments.source else ()
    if not refs or refs[0].kind != "CronJob":
        raise Invalid(f"create job: --from={arguments.source} is no CronJob", hint="cronjob/NAME")
    return refs[0]

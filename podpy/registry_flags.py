"""The flags by which registries are spoken to: declared once, read once."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from runtime.image import pull


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the flags, under Podman's names."""
    parser.add_argument("--authfile", default="")
    parser.add_argument("--creds", default="", metavar="USER[:PASSWORD]")
    parser.add_argument("--cert-dir", default="")
    parser.add_argument(
        "--tls-verify", nargs="?", const="true", choices=("true", "false"), default=None
    )


def options(arguments: argparse.Namespace) -> pull.Options:
    """Return what the flags ask for."""
    from runtime.image import pull

    verify = None if arguments.tls_verify is None else arguments.tls_verify == "true"
    return pull.Options(
        authfile=arguments.authfile,
        creds=arguments.creds,
        cert_dir=arguments.cert_dir,
        tls_verify=verify,
    )

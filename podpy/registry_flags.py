"""The flags by which registries are spoken to: declared once, read once."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from runtime.image import pull


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the flags, under Podman's names."""
    add = parser.add_argument
    add("--authfile", default="", metavar="FILE", help="where registries' logins are")
    add("--creds", default="", metavar="USER[:PASSWORD]", help="the login itself")
    add("--cert-dir", default="", metavar="DIR", help="certificates for registries")
    add(
        "--tls-verify",
        action="store_true",
        default=None,
        help="--tls-verify=false: plain HTTP, too",
    )


def options(arguments: argparse.Namespace) -> pull.Options:
    """Return what the flags ask for."""
    from runtime.image import pull

    return pull.Options(
        authfile=arguments.authfile,
        creds=arguments.creds,
        cert_dir=arguments.cert_dir,
        tls_verify=arguments.tls_verify,
    )

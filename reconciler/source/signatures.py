"""Check a commit's signature: the commit and who may sign in, nothing or a refusal out.

The commit itself is what must be signed, whichever branch or tag has led to it. git checks the
signature, in a directory of its own: the keys of this user and of this host count for nothing.
"""

from __future__ import annotations

import re

from manifests.faults import HostFault, Invalid, Retry
from reconciler.source import git, scratch
from reconciler.source.refusals import UnverifiedError
from reconciler.source.repository import is_sha256
from runtime import proc, secret_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.sync import Verification
    from reconciler.source.repository import Repository

SECONDS = 20.0
_HEADER = rb"^%s (.*(?:\n .*)*)"
_ARMOUR = {
    "SSH": (b"-----BEGIN SSH SIGNATURE-----",),
    "GPG": (b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN PGP MESSAGE-----"),
}
_PROGRAMS = ("gpg.ssh.program", "gpg.openpgp.program", "gpg.x509.program")
# What gpg reports (doc/DETAILS) when it does not report a good signature.
_FAILURES = (
    (b"BADSIG", "its signature is not of this commit"),
    (b"REVKEYSIG", "its key has been revoked"),
    (b"EXPKEYSIG", "its key has expired"),
    (b"EXPSIG", "its signature has expired"),
    (b"NO_PUBKEY", "its key is not in"),
)


def check(repository: Repository, commit: str, verify: Verification, place: str) -> None:
    """Return where one of those that `verify` names has signed the commit.

    A key counts while it is valid now, whatever the commit says of its age. `place` is a private
    directory on tmpfs, for this Sync alone. Raises UnverifiedError for every other commit.
    """
    file = verify.allowed_signers_file or verify.gpg_keys_file
    try:
        secret_files.check_trusted(file)
        signature = _signature(repository, commit, "SSH" if verify.allowed_signers_file else "GPG")
        with scratch.emptied(f"{place}/keys") as home:
            if verify.allowed_signers_file:
                _check_ssh(repository, commit, signature, file, home)
            else:
                _check_gpg(repository, commit, file, home)
    except (Retry, HostFault, Invalid) as fault:
        raise UnverifiedError(
            f"commit {commit[:12]} is not followed: {fault.message}",
            hint=fault.hint or "look at spec.source.git.verify, and sign what is pushed",
        ) from fault


def _signature(repository: Repository, commit: str, kind: str) -> bytes:
    """Return the commit's one signature, which must be of this kind."""
    header = git.check(repository.path, "cat-file", "commit", commit).partition(b"\n\n")[0]
    name = b"gpgsig-sha256" if is_sha256(commit) else b"gpgsig"
    found = re.findall(_HEADER % name, header, re.MULTILINE)
    if not found:
        raise Invalid("it is not signed")
    if len(found) > 1 or not found[0].startswith(_ARMOUR[kind]):
        raise Invalid(f"it is signed, but not with one {kind} key")
    return bytes(found[0].replace(b"\n ", b"\n")) + b"\n"


def _verified(repository: Repository, commit: str, home: str, *settings: str) -> git.Answer:
    """Ask git about the signature; a program that `settings` does not name is not started."""
    named = tuple(setting.partition("=")[0] for setting in settings)
    none = (f"{program}=/bin/false" for program in _PROGRAMS if program not in named)
    return git.run(
        repository.path,
        "verify-commit",
        "--raw",
        commit,
        environment={
            **git.configuration("gpg.minTrustLevel=fully", *settings, *none),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GNUPGHOME": home,
        },
        timeout=SECONDS,
    )


def _check_ssh(
    repository: Repository, commit: str, signature: bytes, signers: str, home: str
) -> None:
    """git lets a key count that was valid when the commit says that it was made; the second
    question is whether it is valid now.
    """
    answer = _verified(
        repository,
        commit,
        home,
        "gpg.ssh.program=ssh-keygen",
        f"gpg.ssh.allowedSignersFile={signers}",
    )
    path = f"{home}/signature"
    with open(path, "wb") as file:
        file.write(signature)
    valid = proc.run(
        "ssh-keygen", "-Y", "find-principals", "-f", signers, "-s", path, timeout=SECONDS
    )
    if answer.status or valid.status:
        said = (answer.stderr + valid.stderr).decode(errors="replace")
        if "key has expired" in said or "key is not yet valid" in said:
            raise Invalid(f"its key is in {signers}, but is not valid now")
        if "No principal matched" in said or valid.status:
            raise Invalid(f"its key is not in {signers}")
        raise Invalid("its signature is not of this commit")


def _check_gpg(repository: Repository, commit: str, keys: str, home: str) -> None:
    words = ("--homedir", home, "--batch", "--quiet", "--no-autostart", "--import", keys)
    imported = proc.run("gpg", *words, timeout=SECONDS)
    if imported.status:
        raise Invalid(f"{keys} holds no GPG keys: {imported.complaint}")
    with open(f"{home}/gpg.conf", "w", encoding="utf-8") as file:
        file.write("trust-model always\nno-autostart\nno-auto-key-retrieve\n")
    answer = _verified(repository, commit, home, "gpg.openpgp.program=gpg")
    if answer.status:
        told = re.findall(rb"^\[GNUPG:\] (\w+)", answer.stderr, re.MULTILINE)
        why = next((words for word, words in _FAILURES if word in told), answer.complaint)
        raise Invalid(f"{why} {keys}" if why.endswith(" in") else why)

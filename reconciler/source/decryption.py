"""Decrypt those files of a revision that SOPS has encrypted, with the age keys of this host.

What is decrypted is never written: only Secrets may be encrypted, whose content lives on tmpfs. A
file for other keys than age's (PGP, a cloud's) is given to the program `sops`, where there is one.
"""

from __future__ import annotations

from manifests.faults import HostFault, Invalid
from reconciler.source import sops
from runtime import proc, secret_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from manifests.sources import File
    from manifests.sync import Decryption

_SIGN = b"AES256_GCM"
_PREFIX = "AGE-SECRET-KEY-"
_KEY_BYTES = 32


def decrypted(files: Sequence[File], wanted: Decryption | None) -> tuple[File, ...]:
    """Return the files with those in plain that are encrypted.

    Raises Invalid or HostFault, naming the file, where one cannot be decrypted, or may not be.
    """
    return tuple(_decrypted(file, wanted) if _SIGN in file.data else file for file in files)


def _decrypted(file: File, wanted: Decryption | None) -> File:
    try:
        text = file.data.decode()
    except UnicodeDecodeError:
        return file  # Reading it as a manifest tells what is wrong.
    documents = sops.documents(text, file.name)
    if not documents or not sops.is_encrypted(documents[0]):
        return file
    if wanted is None:
        raise Invalid(
            f"{file.name}: is encrypted with SOPS, and this Sync has no key",
            hint="name the file of an age key in spec.decryption.ageKeyFile",
        )
    metadata = documents[0][sops.KEY]
    if metadata.get("age"):
        plain = sops.decrypt(text, file.name, _data_key(file.name, metadata, wanted))
    else:
        plain = _by_program(file, wanted)
    _check_kinds(file.name, documents, sops.documents(plain, file.name))
    return file.replace(data=plain.encode())


def _check_kinds(
    name: str, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]
) -> None:
    """Refuse what would be remembered on a disk: everything but Secrets is."""
    for was, now in zip(before, after, strict=True):
        hidden = {key: value for key, value in was.items() if key != sops.KEY}
        if hidden != now and now.get("kind") != "Secret":
            raise Invalid(
                f"{name}: {now.get('kind')} is encrypted, and only Secrets may be",
                hint="others are kept on the disk: sops --encrypted-regex '^(data|stringData)$'",
            )


def _data_key(name: str, metadata: dict[str, Any], wanted: Decryption) -> bytes:
    """Return the key of the file's values, which is encrypted for each of its recipients."""
    try:
        import pyrage
    except ImportError as error:
        raise HostFault(
            f"{name}: podpy was installed without what decrypts it",
            hint="pip install 'podpy-gitops[sops]', in podpy's own environment",
        ) from error
    identities = [pyrage.x25519.Identity.from_str(one) for one in _age_keys(wanted.age_key_file)]
    for recipient in metadata["age"]:
        try:
            key = pyrage.decrypt(str(recipient["enc"]).encode(), identities)
        except (pyrage.DecryptError, KeyError, TypeError):
            continue
        if len(key) == _KEY_BYTES:
            return bytes(key)
    raise Invalid(
        f"{name}: none of the keys in {wanted.age_key_file} opens it",
        hint="encrypt it for this host, too: sops updatekeys",
    )


def _age_keys(path: str) -> list[str]:
    """Read a file as age-keygen(1) writes it: a key a line, comments aside."""
    text = secret_files.read(path).decode(errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line.startswith(_PREFIX)]
    if not keys:
        raise HostFault(f"{path} holds no age key", hint=f"age-keygen -o {path}")
    return keys


def _by_program(file: File, wanted: Decryption) -> str:
    program = proc.find("sops")
    if program is None:
        raise HostFault(f"{file.name}: is not encrypted for age, and sops is not on this host")
    kind = "json" if file.name.endswith(".json") else "yaml"
    done = proc.run(
        *(program, "decrypt", "--input-type", kind, "--output-type", kind, "/dev/stdin"),
        stdin=file.data,
        env={"SOPS_AGE_KEY_FILE": wanted.age_key_file},
    )
    if done.status:
        raise Invalid(f"{file.name}: sops cannot decrypt it: {done.complaint}")
    return done.text

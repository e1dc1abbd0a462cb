"""Write images as units of their own: .image, pulled once for all that use it, and .build.

A container has the image by its name and asks Podman to pull it, unless logins or certificates are
named, or an image is to be built: those are an .image's or a .build's to say. Podman's --policy of
what an .image does when the image is there came with 5.6: before, systemd asks.
"""

from __future__ import annotations

from manifests.container import PullPolicy
from manifests.value import EMPTY, Value
from renderers import systemd_text
from renderers.quadlet import shell, unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import File, Loss, Section
    from renderers.quadlet_keys import Target

_PULLS = {
    PullPolicy.ALWAYS: "always",
    PullPolicy.NEVER: "never",
    PullPolicy.IF_NOT_PRESENT: "missing",
    PullPolicy.MISSING: "missing",
    PullPolicy.NEWER: "newer",
}
_URGENT = ("missing", "newer", "always")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class Forms(Value):
    """How images are had: `whole` gives the whole name of one; `contexts` what is built from where.

    `units`: an .image for each, with the login file, certificates and tls_verify that are given.
    """

    whole: Callable[[str], str] = str
    units: bool = False
    contexts: Mapping[str, str] = EMPTY
    authfile: str = ""
    cert_dir: str = ""
    tls_verify: bool | None = None


class Use(Value):
    """An image that a pod has in a unit of its own, by its whole name."""

    name: str
    policy: str
    context: str = ""

    @property
    def unit(self) -> str:
        stem = "".join(sign if sign in _PLAIN else "-" for sign in self.name)
        return f"{stem}.{'build' if self.context else 'image'}"


def write(
    rendering: Rendering, path: FieldPath, name: str, policy: PullPolicy | None, lines: Section
) -> None:
    """Add what image a container has, and whether it is pulled when it starts."""
    wanted = pull(policy)
    use = used(rendering, name, wanted)
    lines.text(path, "Image", use.unit if use else rendering.source.forms.whole(name))
    lines.plain("Pull", "never" if use else wanted)


def pull(policy: PullPolicy | None) -> str:
    """Return Podman's word for a policy."""
    return _PULLS[policy or PullPolicy.IF_NOT_PRESENT]


def used(rendering: Rendering, name: str, policy: str) -> Use | None:
    """Return the unit of an image; None for one that has none."""
    forms = rendering.source.forms
    context = forms.contexts.get(name, "")
    if context and not rendering.target.knows("Build", "ImageTag"):
        rendering.lose((), f'"{name}" is built by Podman 5.2 and later')
        context = ""
    if not context and (not forms.units or policy == "never"):
        return None
    use = Use(name=forms.whole(name), policy=policy, context=context)
    rendering.images.append(use)
    return use


def files(
    uses: Iterable[Use], forms: Forms, origin: str, target: Target, losses: list[Loss]
) -> tuple[File, ...]:
    """Return the units of all images that are used, one for each; the most urgent policy holds."""
    merged: dict[str, Use] = {}
    for use in uses:
        known = merged.get(use.unit)
        if known is None or _URGENT.index(known.policy) < _URGENT.index(use.policy):
            merged[use.unit] = use
    return tuple(
        _build(use, forms, origin, target, losses)
        if use.context
        else _image(use, forms, origin, target, losses)
        for use in merged.values()
    )


def _image(use: Use, forms: Forms, origin: str, target: Target, losses: list[Loss]) -> File:
    lines = unit.Section("Image", target, losses)
    lines.text((), "Image", use.name)
    service = [("TimeoutStartSec", "infinity")]
    if lines.knows("Policy"):
        lines.plain("Policy", use.policy)
    elif use.policy == "missing":
        service.append(("ExecCondition", shell.script('! podman image exists "$1"', use.name)))
    elif use.policy == "newer":
        # What is there does where the registry cannot be reached, as in `podman run --pull=newer`.
        service.append(("SuccessExitStatus", "125"))
    if forms.cert_dir:
        lines.text((), "CertDir", forms.cert_dir)
    _registry(lines, forms)
    description = [("Description", systemd_text.line(f"Image {use.name}"))]
    sections = {"Unit": description, "Image": lines.lines, "Service": service}
    return unit.write(use.unit, origin, sections)


def _build(use: Use, forms: Forms, origin: str, target: Target, losses: list[Loss]) -> File:
    lines = unit.Section("Build", target, losses)
    lines.text((), "ImageTag", use.name)
    lines.text((), "SetWorkingDirectory", use.context)
    _registry(lines, forms)
    description = [("Description", systemd_text.line(f"Build of {use.name}"))]
    # Others may have it while it is built anew; what needs it waits for its end.
    service = [("TimeoutStartSec", "infinity"), ("RemainAfterExit", "yes")]
    return unit.write(
        use.unit, origin, {"Unit": description, "Build": lines.lines, "Service": service}
    )


def _registry(lines: Section, forms: Forms) -> None:
    if forms.authfile:
        lines.text((), "AuthFile", forms.authfile)
    if forms.tls_verify is not None:
        lines.plain("TLSVerify", "true" if forms.tls_verify else "false")

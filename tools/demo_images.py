"""Build the images of `examples/` from this host's Debian packages: no registry, no Containerfile.

    python -m tools.demo_images [--to DIR] [NAME...]

mmdebstrap unpacks the packages of each recipe (tools.demo_recipes) with the sources and proxies
that this host's apt uses; what a container never reads is left out, /usr is merged, busybox gives
the shell. Each image is one OCI layout DIR/NAME and is built again only when its recipe or a
package changed. Prints one line an image: `oci:DIR/NAME:REFERENCE`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from typing import TYPE_CHECKING

from tools import demo_recipes, oci_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.demo_recipes import Recipe
    from tools.oci_layout import Member

CACHE = "/var/cache/podpy/demo-images"
DEADLINE = 600  # seconds for one mmdebstrap: a slow mirror, not a hang

MERGED = ("bin", "sbin", "lib", "lib64")
LEFT_OUT = (
    "dev/", "proc/", "sys/", "run/", "var/cache/", "var/lib/apt/", "var/lib/dpkg/", "etc/apt/",
    "usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/locale/", "usr/share/i18n/",
    "usr/share/lintian/", "usr/share/bash-completion/", "usr/share/vim/", "usr/share/perl",
    "usr/share/debconf/", "usr/include/", "usr/lib/systemd/",
)  # fmt: skip
# JIT and Perl: a hundred megabytes that the servers start without.
LEFT_OUT_PARTS = ("libLLVM", "libz3.so", "/perl", "libperl", "/llvmjit", "/bitcode/", "/gconv/")


def output(*argv: str) -> str:
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise SystemExit(f"demo-images: {argv[0]} failed: {last}")
    return done.stdout


def sources() -> tuple[str, str]:
    """Return this host's Debian suite and its apt sources for it, one `deb` line each."""
    with open("/etc/os-release", encoding="utf-8") as file:
        suite = dict(line.strip().split("=", 1) for line in file if "=" in line)["VERSION_CODENAME"]
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    targets = output("apt-get", "indextargets", "--format", form, "Created-By: Packages")
    found = [line for line in targets.splitlines() if line.split()[1].startswith(suite)]
    if not found:
        raise SystemExit(f"demo-images: apt on this host has no source for {suite}")
    return suite, "".join(f"deb {line}\n" for line in found)


def apt_settings() -> str:
    """Return what this host's apt needs to reach its sources: proxies, certificates, checks."""
    dumped = output("apt-config", "dump").splitlines()
    kept = ("Acquire::http", "Acquire::Check-", "Acquire::Retries")
    return "".join(f"{line}\n" for line in dumped if line.startswith(kept) and '"";' not in line)


def unpacked(recipe: Recipe, workdir: str) -> str:
    """Let mmdebstrap unpack the recipe's packages, and return the tar file."""
    suite, lines = sources()
    tar, listed, settings = (os.path.join(workdir, n) for n in ("root.tar", "sources.list", "apt"))
    with open(listed, "w", encoding="utf-8") as file:
        file.write(lines)
    with open(settings, "w", encoding="utf-8") as file:
        file.write(apt_settings())
    include = ",".join(recipe.packages)
    # "extract" runs no maintainer script: nothing is configured that the recipe does not write.
    output("mmdebstrap", "--quiet", "--variant=extract", f"--include={include}",
           f"--aptopt={settings}", suite, tar, listed)  # fmt: skip
    return tar


def merged(path: str) -> str:
    """Return `path` without a leading ./ and with /bin, /sbin and /lib below /usr."""
    path = path.removeprefix("./").lstrip("/")
    return f"usr/{path}" if path.split("/", 1)[0] in MERGED else path


def packaged(tar_path: str, laid: set[str]) -> Iterator[Member]:
    """Yield the members of a mmdebstrap tar that an image keeps, /usr merged, each path once.

    Paths in `laid` are the image's own, whatever a package makes of them.
    """
    seen = set(laid)
    with tarfile.open(tar_path, "r:") as tar:
        for header in tar:
            path = merged(header.name)
            unread = path.startswith(LEFT_OUT) or any(p in path for p in LEFT_OUT_PARTS)
            if not path or unread or path in seen or header.ischr() or header.isblk():
                continue
            seen.add(path)
            header.name = path
            if header.islnk():
                header.linkname = merged(header.linkname)
            yield oci_layout.Member(header, tar.extractfile(header) if header.isreg() else None)


def ground(recipe: Recipe) -> Iterator[Member]:
    """Yield what every image has: the top folders, busybox as its shell, users, own files."""
    for name in MERGED:
        yield oci_layout.symlink(name, f"usr/{name}")
    for path in ("usr", *(f"usr/{name}" for name in MERGED), "etc", "proc", "sys", "dev", "root"):
        yield oci_layout.directory(path)
    for path in ("tmp", "run", "var", "var/tmp"):
        yield oci_layout.directory(path, mode=0o755 if path == "var" else 0o1777)
    with open(shutil.which("busybox") or "/bin/busybox", "rb") as file:
        yield oci_layout.file("usr/bin/busybox", file.read(), mode=0o755)
    for applet in recipe.applets or output("busybox", "--list").split():
        if applet != "busybox":
            yield oci_layout.symlink(f"usr/bin/{applet}", "busybox")
    users = "root:x:0:0:root:/root:/bin/sh\n"
    groups = "root:x:0:\n"
    if recipe.user:
        users += f"{recipe.user}:x:{recipe.uid}:{recipe.uid}::{recipe.home}:/bin/sh\n"
        groups += f"{recipe.user}:x:{recipe.uid}:\n"
        yield oci_layout.directory(recipe.home.lstrip("/"), mode=0o750, uid=recipe.uid)
    yield oci_layout.file("etc/passwd", users.encode())
    yield oci_layout.file("etc/group", groups.encode())


def own_files(recipe: Recipe) -> Iterator[Member]:
    for path, text in recipe.files.items():
        mode = 0o755 if text.startswith("#!") else 0o644
        yield oci_layout.file(path.lstrip("/"), text.encode(), mode=mode)


def layer(recipe: Recipe, workdir: str) -> Iterator[Member]:
    """Yield the members of an image's one layer."""
    laid: set[str] = {path.lstrip("/") for path in recipe.files}
    for member in ground(recipe):
        laid.add(member.header.name)
        yield member
    if recipe.packages:
        yield from packaged(unpacked(recipe, workdir), laid)
    yield from own_files(recipe)


def key(recipe: Recipe) -> str:
    """Return a hash of all that goes into the image: recipe, builder, package versions."""
    parts = [repr(recipe), output("apt-cache", "policy", "busybox-static", *recipe.packages)]
    for module in (__file__, oci_layout.__file__):
        with open(module, encoding="utf-8") as file:
            parts.append(file.read())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def build(recipe: Recipe, cache: str) -> str:
    """Build one image unless it is there already; return `oci:DIR:REFERENCE`."""
    layout = os.path.join(cache, recipe.name)
    stamp = os.path.join(layout, "made-from")
    want = key(recipe)
    with contextlib.suppress(FileNotFoundError), open(stamp, encoding="utf-8") as file:
        if file.read() == want:
            return f"oci:{layout}:{recipe.reference}"
    shutil.rmtree(layout, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="podpy-image-") as workdir:
        layers = [layer(recipe, workdir)]
        oci_layout.write_image(layout, recipe.reference, layers, recipe.config)
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(want)
    return f"oci:{layout}:{recipe.reference}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", default=CACHE, metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="NAME")
    asked = parser.parse_args()
    names = asked.names or list(demo_recipes.RECIPES)
    unknown = set(names) - set(demo_recipes.RECIPES)
    if unknown:
        parser.error(f"no such image: {', '.join(sorted(unknown))}")
    recipes = [demo_recipes.RECIPES[name] for name in names]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for line in pool.map(lambda recipe: build(recipe, asked.to), recipes):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

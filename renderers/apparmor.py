"""Render podpy's AppArmor profile: what every container is kept from that asks for no other. Pure.

Seccomp, read-only and masked paths come first. This holds where these end: in a container that
was given CAP_SYS_ADMIN, and against a file system that came in by a volume.
runtime.kernel.apparmor loads it.
"""

from __future__ import annotations

NAME = "podpy-default-1"
"""The number goes up with every change of the text: what a host has loaded is not read back."""

_PROFILE = """\
profile {name} flags=(attach_disconnected,mediate_deleted) {{
  # What these may reach is decided by mounts, namespaces, seccomp and the bounding set.
  file,
  network,
  capability,
  unix,
  dbus,
  umount,

  # podpy, conmon and the runtime end a container, whatever profiles they have themselves.
  signal (receive),
  # Without new privileges crun puts this profile on top of its own, or of the program's.
  signal (send) peer={{{name},{name}//&**,**//&{name}}},
  ptrace (read, trace, readby, tracedby) peer={{{name},{name}//&**,**//&{name}}},

  deny mount,

  # Settings of the kernel, and its memory. Of itself (/proc/PID) a process may write.
  deny /proc/* w,
  deny /proc/sys/** wklx,
  deny /proc/{{acpi,asound,bus,driver,fs,irq,scsi,tty}}/** wklx,
  deny /proc/{{kcore,keys,kmem,mem,sysrq-trigger,timer_list}} rwklx,

  # Of /sys, its cgroups are all that may be written. There is no rule for "all but".
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/kernel/security/** rwklx,
}}
"""


def render(*, abi: bool) -> str:
    """Return the profile's source. `abi`: this host's parser knows versions of rules by name.

    Such a parser may else hold the profile to kinds of rules that came later than this text.
    """
    return ("abi <abi/3.0>,\n\n" if abi else "") + _PROFILE.format(name=NAME)

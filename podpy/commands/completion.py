"""Print a completion script for a shell.

The scripts only ask podpy itself, which knows its commands, their flags and the objects on this
host: completion is never older than podpy.
"""

from __future__ import annotations

import argparse

EXAMPLES = """
podpy completion bash > /etc/bash_completion.d/podpy
podpy completion zsh > "${fpath[1]}/_podpy"
podpy completion fish > ~/.config/fish/completions/podpy.fish
"""

ASK = "words"
"""What the scripts call; not meant for people."""

BASH = """\
# podpy completion for bash: source <(podpy completion bash)
_podpy() {
    local IFS=$'\\n'
    COMPREPLY=($("${COMP_WORDS[0]}" completion words -- \\
        "${COMP_WORDS[@]:1:COMP_CWORD-1}" "${COMP_WORDS[COMP_CWORD]}" 2>/dev/null))
}
complete -o bashdefault -o default -F _podpy podpy
"""
ZSH = """\
#compdef podpy
# podpy completion for zsh: source <(podpy completion zsh)
_podpy() {
    local -a found
    found=(${(f)"$("${words[1]}" completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( ${#found} )); then
        compadd -a found
    else
        _files
    fi
}
compdef _podpy podpy
"""
FISH = """\
# podpy completion for fish: podpy completion fish | source
function __podpy_words
    set -l given (commandline -opc) (commandline -ct)
    $given[1] completion words -- $given[2..-1] 2>/dev/null
end
complete -c podpy -a '(__podpy_words)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "podpy completion {bash,zsh,fish}"
    parser.add_argument("shell", choices=(*SCRIPTS, ASK), metavar="{bash,zsh,fish}")
    parser.add_argument("line", nargs=argparse.REMAINDER, metavar="WORD")


def run(arguments: argparse.Namespace) -> int:
    if arguments.shell == ASK:
        from podpy import completing

        words = arguments.line[1:] if arguments.line[:1] == ["--"] else arguments.line
        print("".join(f"{word}\n" for word in completing.candidates(words)), end="")
        return 0
    print(SCRIPTS[arguments.shell], end="")
    return 0

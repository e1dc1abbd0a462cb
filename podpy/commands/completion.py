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
    local line="${COMP_LINE:0:COMP_POINT}" found current kept
    local -a given
    # Bash splits words at : and = as well; podpy is asked about whole ones.
    read -ra given <<< "$line"
    [[ "$line" == *[[:space:]] ]] && given+=("")
    found="$("${given[0]}" completion words -- "${given[@]:1}" 2>/dev/null)"
    mapfile -t COMPREPLY < <([[ -n "$found" ]] && printf '%s\\n' "$found")
    current="${given[-1]}"
    kept="${current%"${current##*[:=]}"}"
    COMPREPLY=("${COMPREPLY[@]#"$kept"}")
    if [[ ${#COMPREPLY[@]} == 1 && "${COMPREPLY[0]}" == *[=/] ]]; then
        compopt -o nospace
    fi
}
complete -o bashdefault -o default -F _podpy podpy
"""
ZSH = """\
#compdef podpy
# podpy completion for zsh: source <(podpy completion zsh), or as _podpy in a folder of $fpath
_podpy() {
    local -a found open
    found=(${(f)"$("${words[1]}" completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    open=(${(M)found:#*[=/]})
    found=(${found:#*[=/]})
    if (( ${#found} + ${#open} )); then
        compadd -a found
        compadd -S '' -a open
    else
        _files
    fi
}
if [ "${funcstack[1]}" = _podpy ]; then
    _podpy "$@"
else
    compdef _podpy podpy
fi
"""
FISH = """\
# podpy completion for fish: podpy completion fish | source
function __podpy_words
    set -l given (commandline -opc)
    set -l begun (commandline -ct)
    set -l found ($given[1] completion words -- $given[2..-1] "$begun" 2>/dev/null)
    if test (count $found) -gt 0
        string join \\n -- $found
    else
        __fish_complete_path "$begun"
    end
end
complete -c podpy -f -a '(__podpy_words)'
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

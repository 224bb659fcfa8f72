# SPDX-License-Identifier: BSD-2-Clause
"""The completion scripts of the host's shells: they only call back."""

from __future__ import annotations

BASH = """\
# bash completion for fsu, also of paths inside images; made by "fsu completion bash"
_fsu() {
    local line fsu=fsu
    [[ ${1##*/} == fsu ]] && fsu=$1
    COMPREPLY=()
    compopt -o nospace 2>/dev/null
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <("$fsu" __complete bash "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null </dev/null)
}
complete -F _fsu PROGRAMS
"""

ZSH = """\
#compdef PROGRAMS
# zsh completion for fsu, also of paths inside images; made by "fsu completion zsh"
_fsu() {
    local line text what head= fsu=fsu
    local -a final more final_shown more_shown
    [[ ${words[1]:t} == fsu ]] && fsu=${(Q)words[1]}
    [[ $PREFIX == */* ]] && head=${(Q)${PREFIX%/*}}/
    while IFS= read -r line; do
        text=${line%%$'\\t'*} what=${line#*$'\\t'}
        text=${text#"$head"}
        if [[ $text == *' ' ]]; then
            final+=("${text% }") final_shown+=("${text% }${what:+  -- $what}")
        else
            more+=("$text") more_shown+=("$text${what:+  -- $what}")
        fi
    done < <("$fsu" __complete zsh -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)
    [[ -n $head ]] && compset -P '*/'
    compadd -l -d final_shown -a final
    compadd -l -S '' -d more_shown -a more
}
if [[ $funcstack[1] == _fsu ]]; then
    _fsu "$@"
else
    compdef _fsu PROGRAMS
fi
"""

FISH = """\
# fish completion for fsu, also of paths inside images; made by "fsu completion fish"
function __fsu_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l plain (string unescape -- $last 2>/dev/null)
    and set last $plain
    set -l fsu fsu
    test (string replace -r '.*/' '' -- $words[1]) = fsu
    and set fsu $words[1]
    command $fsu __complete fish -- $words "$last" 2>/dev/null </dev/null
end
for program in PROGRAMS
    complete -c $program -f -a '(__fsu_complete)'
end
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def script(shell: str, programs: tuple[str, ...]) -> str:
    """The script of a shell, for these programs."""
    return SCRIPTS[shell].replace("PROGRAMS", " ".join(programs))

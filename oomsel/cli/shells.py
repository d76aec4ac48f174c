"""Completion: the script of each shell, and the answer that it asks oomsel for at each TAB.

A script hands over the words of the command line as they were typed, and gets a line for each
candidate: its kind (plain, open where more of the word follows, file or dir where the shell completes it
by itself), the whole word or, for bash, the part of it that bash replaces, and a description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import click

_BASH = """\
# Completion of oomsel for bash.
_oomsel() {
    local kind word help
    COMPREPLY=()
    while IFS=$'\\t' read -r kind word help; do
        case $kind in
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
            open) compopt -o nospace; COMPREPLY+=("$word") ;;
            plain) COMPREPLY+=("$word") ;;
        esac
    done < <(_OOMSEL_COMPLETE=bash OOMSEL_LINE="${COMP_LINE:0:COMP_POINT}" OOMSEL_REST="${COMP_LINE:COMP_POINT}" \\
        OOMSEL_BREAKS="$COMP_WORDBREAKS" "$1" 2>/dev/null)
}
complete -o nosort -F _oomsel oomsel 2>/dev/null || complete -F _oomsel oomsel
"""
_ZSH = """\
#compdef oomsel
# Completion of oomsel for zsh.
_oomsel() {
    local kind word help prefix
    local -a plain plain_shown open open_shown
    while IFS=$'\\t' read -r kind word help; do
        case $kind in
            file|dir)
                [[ $PREFIX == --*=* ]] && compset -P '*='
                if [[ $kind == dir ]]; then _files -/; else _files; fi
                return
                ;;
            open) open+=("$word"); open_shown+=("$word${help:+  -- $help}") ;;
            plain) plain+=("$word"); plain_shown+=("$word${help:+  -- $help}") ;;
        esac
    done < <(_OOMSEL_COMPLETE=zsh OOMSEL_LINE="${(j: :)words[1,CURRENT]}" \\
        OOMSEL_REST="${(j: :)words[CURRENT+1,-1]}" "${words[1]}" 2>/dev/null)
    (( $#plain )) && compadd -l -V oomsel -d plain_shown -a plain
    (( $#open )) && compadd -l -V oomsel -S '' -d open_shown -a open
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _oomsel "$@"
else
    compdef _oomsel oomsel
fi
"""
_FISH = """\
# Completion of oomsel for fish.
function _oomsel
    set -l current (commandline -ct)
    set -l prefix (string match -r -- '^--[^=]*=' $current)
    set -l path (string replace -r -- '^--[^=]*=' '' $current)
    for line in (_OOMSEL_COMPLETE=fish OOMSEL_LINE=(commandline -cp) OOMSEL_REST= oomsel 2>/dev/null)
        set -l part (string split -m 2 \\t -- $line)
        switch $part[1]
            case file
                string replace -r -- '^' "$prefix" (__fish_complete_path $path)
            case dir
                string replace -r -- '^' "$prefix" (__fish_complete_directories $path)
            case plain open
                printf '%s\\t%s\\n' $part[2] $part[3]
        end
    end
end
complete --command oomsel --no-files --keep-order --arguments '(_oomsel)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
#: Where a package has the script of each shell.
PLACES = {
    "bash": "share/bash-completion/completions/oomsel",
    "zsh": "share/zsh/site-functions/_oomsel",
    "fish": "share/fish/vendor_completions.d/oomsel.fish",
}
#: What bash gives a meaning outside of quotes, or in double quotes.
_SPECIAL = re.compile(r"([^\w@%+=:,./~-])")
_SPECIAL_QUOTED = re.compile(r'(["$`\\])')


class Line(NamedTuple):
    """A command line up to the cursor, as a shell reads it."""

    words: list[str]  #: without quotes; the last one is being typed
    typed: str  #: the last one as it was typed
    quote: str  #: the quote that is open at the cursor, empty for none


def split(text: str) -> Line:
    """The words of a command line; a quote that is not closed goes to the end."""
    words, word, quote, start = [], "", "", 0
    is_word = False
    index = 0
    while index < len(text):
        char = text[index]
        index += 1
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and text[index : index + 1] in ("$", "`", '"', "\\"):
                word, index = word + text[index], index + 1
            else:
                word += char
        elif char in " \t\n":
            if is_word:
                words.append(word)
            word, is_word, start = "", False, index
        else:
            is_word = True
            if char in "'\"":
                quote = char
            elif char == "\\":
                word, index = word + text[index : index + 1], index + 1
            else:
                word += char
    return Line([*words, word], text[start:], quote)


def answer(cli: click.Group, environment: Mapping[str, str]) -> Iterator[str]:
    """The candidates, a line each, for what a script has put into the environment."""
    import click
    from click.shell_completion import ShellComplete

    from oomsel.cli.values import VARIABLE

    line = split(environment.get("OOMSEL_LINE", ""))
    *before, current = line.words
    if before[1:] == ["help"]:  # `oomsel help COMMAND`
        del before[1]
    every_word = [*before[1:], *split(environment.get("OOMSEL_REST", "")).words]
    try:
        found = ShellComplete(cli, {"obj": every_word}, "oomsel", VARIABLE).get_completions(before[1:], current)
    except click.UsageError:  # a command that there is not
        return
    option = re.match("--[a-z-]+=", current)
    prefix = option[0] if option else ""
    for item in found:
        if item.type in ("file", "dir"):
            yield f"{item.type}\t\t"
            continue
        word = prefix + str(item.value)
        kind = "open" if word.endswith((".", "=")) else "plain"
        if environment[VARIABLE] == "bash":
            word = _for_bash(word, line, environment.get("OOMSEL_BREAKS", ""))
        yield f"{kind}\t{word}\t{' '.join((item.help or '').split())}"


def _for_bash(word: str, line: Line, breaks: str) -> str:
    """The part of `word` that bash replaces, quoted as it stands on the line.

    Bash replaces what comes after the last of COMP_WORDBREAKS, or after the quote that is open.
    """
    begin = 0
    quote = ""
    index = 0
    while index < len(line.typed):
        char = line.typed[index]
        if quote:
            quote = "" if char == quote else quote
        elif char == "\\":
            index += 1
        elif char in "'\"":
            quote, begin = char, index + 1
        if not quote and char in breaks and char != "\\":
            begin = index + 1
        index += 1
    kept = split(line.typed[:begin]).words[-1]
    part = word.removeprefix(kept)
    if line.quote == "'":
        return part.replace("'", "'\\''")
    return (_SPECIAL_QUOTED if line.quote else _SPECIAL).sub(r"\\\1", part)

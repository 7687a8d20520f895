"""``fokker-planck completion SHELL``: the script by which a shell completes the command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fokker_planck.cli.arguments import OneLineParser
from fokker_planck.cli.ending import ANSWERED, COMMAND, ended

BASH = """_fokker_planck() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}"
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
    elif [ "${{COMP_WORDS[1]}}" = examples ]; then
        COMPREPLY=($(compgen -W "$(fokker-planck examples 2>/dev/null | sed -n '/^$/q; s/ .*//p')" -- "$word"))
    elif [ "${{COMP_WORDS[COMP_CWORD-1]}}" = --question ]; then
        COMPREPLY=($(compgen -W "{questions}" -- "$word"))
    elif [ "${{word#-}}" != "$word" ]; then
        COMPREPLY=($(compgen -W "{options}" -- "$word"))
    else
        COMPREPLY=($(compgen -f -X '!*.toml' -- "$word") $(compgen -d -S / -- "$word"))
        compopt -o nospace 2>/dev/null
    fi
}}
complete -F _fokker_planck fokker-planck
"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + BASH
FISH_HEAD = """complete -c fokker-planck -f
complete -c fokker-planck -n 'not __fish_is_first_arg' -k -a '(__fish_complete_suffix .toml)'
"""
SHELLS = {
    "bash": f'eval "$({COMMAND} completion bash)" in ~/.bashrc',
    "zsh": f'eval "$({COMMAND} completion zsh)" in ~/.zshrc',
    "fish": f"{COMMAND} completion fish | source in ~/.config/fish/config.fish",
}


def completion_command(arguments: Sequence[str]) -> int:
    """Run the command with its ``arguments``; the exit status."""
    lines = "; ".join(SHELLS.values())
    description = f"The script by which a shell completes commands, options and problem files: {lines}."
    parser = OneLineParser(prog=f"{COMMAND} completion", description=description, allow_abbrev=False)
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    shell = parser.parse_args(arguments).shell
    return ended(lambda: (script(shell), ANSWERED))


def script(shell: str) -> str:
    """The script of one shell."""
    from fokker_planck.cli.command import BESIDE, COMMANDS, question_parser
    from fokker_planck.cli.sweeps.command import sweep_parser
    from fokker_planck.questions.registry import QUESTIONS

    summaries = {**COMMANDS, **{name: text for name, (text, _) in BESIDE.items()}}
    parsers = (question_parser(), sweep_parser())
    options = sorted({text for parser in parsers for text in parser.option_texts() if text.startswith("--")})
    if shell == "fish":
        return FISH_HEAD + "".join(_fish(name, text) for name, text in summaries.items()) + _fish_options(options)
    pattern = BASH if shell == "bash" else ZSH
    return pattern.format(commands=" ".join(summaries), questions=" ".join(QUESTIONS), options=" ".join(options))


def _fish(name: str, text: str) -> str:
    said = text.replace("'", r"\'")
    return f"complete -c fokker-planck -n __fish_is_first_arg -a {name} -d '{said}'\n"


def _fish_options(options: Iterable[str]) -> str:
    return "".join(f"complete -c fokker-planck -l {option.removeprefix('--')}\n" for option in options)

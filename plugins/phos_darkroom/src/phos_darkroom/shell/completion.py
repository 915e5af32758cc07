"""``phos completion SHELL``: names and options by the Tab key."""

import os
from collections.abc import Iterable
from contextlib import suppress

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from phos_darkroom.shell.messages import answer, own_stdout

__all__ = [
    "complete_backends",
    "complete_films",
    "complete_formats",
    "complete_papers",
    "complete_presets",
    "complete_spaces",
    "completion",
]

VARIABLE = "_PHOS_COMPLETE"

POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $env:%(complete_var)s = "powershell_complete"
    $env:COMP_WORDS = $commandAst.ToString()
    $env:COMP_WORD = $wordToComplete
    %(prog_name)s | ForEach-Object {
        $kind, $value, $help = $_ -split "`t", 3
        if (-not $help) { $help = $value }
        if ($kind -ne "plain") {
            $found = Get-ChildItem -Path "$wordToComplete*" -Directory:($kind -eq "dir") -Name
            $found | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_)
            }
        } else {
            [System.Management.Automation.CompletionResult]::new(
                $value, $value, "ParameterValue", $help)
        }
    }
    Remove-Item Env:%(complete_var)s, Env:COMP_WORDS, Env:COMP_WORD
}
"""

WHERE = {
    "bash": 'add to ~/.bashrc: eval "$(phos completion bash)"',
    "zsh": 'add to ~/.zshrc: eval "$(phos completion zsh)"',
    "fish": "phos completion fish > ~/.config/fish/completions/phos.fish",
    "powershell": "add to $PROFILE: phos completion powershell | Out-String | Invoke-Expression",
}


class _PowerShellComplete(ShellComplete):
    """Completion in PowerShell, which click does not bring."""

    name = "powershell"
    source_template = POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is typed, and that one."""
        incomplete = os.environ["COMP_WORD"]
        words = split_arg_string(os.environ["COMP_WORDS"])[1:]
        return words[:-1] if incomplete and words else words, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Write a line that the script takes apart."""
        return f"{item.type}\t{item.value}\t{item.help or ''}"


add_completion_class(_PowerShellComplete)


@click.command(
    short_help="Print what lets a shell complete names by Tab.",
    epilog="\b\n" + "\n".join(WHERE.values()),
)
@click.argument("shell", type=click.Choice(tuple(WHERE)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete phos's commands, options and names by Tab.

    It completes the names of films, papers, formats, presets and backends too.
    """
    kind = get_completion_class(shell)
    if kind is None:  # which its choices rule out
        raise click.UsageError(f"no completion for {shell}", ctx)
    with own_stdout() as out:
        answer(kind(ctx.find_root().command, {}, "phos", VARIABLE).source(), out)


def complete_films(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the name of a film."""
    from phos_core.stocks import film_names

    return _beginning(film_names(), typed)


def complete_papers(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the name of a paper, a print film or a scan."""
    from phos_core.stocks import SCANS, papers

    return _beginning([*SCANS, *papers()], typed)


def complete_formats(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete a film format."""
    from phos_core.stocks import FILM_FORMATS_UM

    return _beginning(["35mm", "6x4.5", "6x6", "6x7", "6x9", *FILM_FORMATS_UM], typed)


def complete_presets(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the name of a preset."""
    from phos_darkroom.settings.presets import presets

    return _beginning([preset.name for preset in presets()], typed)


def complete_spaces(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the name of a colour space, by its aliases: they have no blanks."""
    from phos_core.errors import SpaceError
    from phos_darkroom.spaces import listed, listed_own

    names = [space.name for space in listed_own()]
    with suppress(SpaceError):
        names += [alias for space in listed() for alias in space.aliases[:1]]
    return _beginning(names, typed)


def complete_backends(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete the name of a backend, of several the last."""
    from phos_core.convolution import offers

    before, comma, last = typed.rpartition(",")
    names = sorted({offer.name for offer in offers()})
    return [CompletionItem(f"{before}{comma}{item.value}") for item in _beginning(names, last)]


def _beginning(names: Iterable[str], typed: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(typed.lower())]

"""The command ``phos``: its own commands, those of plug-ins, and how each may end."""

import contextlib
import errno
import os
import re
import sys
from typing import Any

import click

import phos_core as phos
from phos_core.convolution import PLUG_IN_COMMANDS
from phos_core.errors import ConfigurationError, PhosError, shown
from phos_darkroom.shell.backends import backends
from phos_darkroom.shell.completion import completion
from phos_darkroom.shell.contact import compare, contact
from phos_darkroom.shell.develop import develop
from phos_darkroom.shell.doctor import doctor
from phos_darkroom.shell.films import films
from phos_darkroom.shell.help import write_commands
from phos_darkroom.shell.lut import lut
from phos_darkroom.shell.messages import (
    as_options,
    plain_messages,
    say,
    say_what_click_refuses,
    streams_in_order,
    visible,
)
from phos_darkroom.shell.plugin import plugin
from phos_darkroom.shell.presets import presets
from phos_darkroom.shell.selftest import selftest
from phos_darkroom.shell.spaces import spaces
from phos_darkroom.shell.warm import warm

__all__ = ["main"]

FAILED, NOT_HEARD = 2, 1
SECTIONS = {
    "Develop": ("develop", "presets", "films", "spaces"),
    "Show and hand on": ("contact", "compare", "lut"),
    "This machine": ("backends", "warm", "selftest", "doctor", "plugin", "completion"),
}
COMMAND_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class _Failure(click.ClickException):
    """One line on stderr and exit code 2."""

    exit_code = FAILED


class _Commands(click.Group):
    """Our commands first; plug-ins are asked only for a name we do not know, and for help."""

    def main(self, *args: Any, **extra: Any) -> Any:
        if not extra.get("standalone_mode", True):
            return super().main(*args, **extra)
        code = self._run(*args, **{**extra, "standalone_mode": False})
        if not args and extra.get("args") is None:  # the program itself, called by no other
            _leave_at_once_if_need_be(code)
        sys.exit(code)

    def _run(self, *args: Any, **extra: Any) -> int:
        """Run a command, and say what ends it in words of ours; give the exit code."""
        try:
            with streams_in_order(), plain_messages():
                try:
                    return super().main(*args, **extra) or 0
                except click.ClickException as error:
                    say_what_click_refuses(error)
                    return error.exit_code
                except click.Abort:
                    say("stopped")
                    return NOT_HEARD
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of what is printed has gone
                return NOT_HEARD
            say(_reason(error, "standard output"))
            return FAILED

    def get_help(self, ctx: click.Context) -> str:
        """Show what plug-ins say of their commands as a terminal can be given it."""
        return "\n".join(visible(line) for line in super().get_help(ctx).split("\n"))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_commands(self, ctx, formatter, SECTIONS, others="From plug-ins")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_plugin_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _plugin_commands(ctx).get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in PLUG_IN_COMMANDS and self.get_command(ctx, name) is None:
            plug_in = PLUG_IN_COMMANDS[name]
            raise _Failure(
                f"the command {name} comes with {plug_in.distribution}, which is not "
                f"installed; {plug_in.hint}"
            )
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        _use_the_usual_configuration()  # before any plug-in is asked for anything
        return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> None:
        try:
            super().invoke(ctx)  # whose value is no exit code
        except PhosError as error:
            raise _Failure(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of what is printed has gone
                raise
            raise _Failure(_reason(error)) from error
        except ValueError as error:
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            message = as_options(str(error), command) if command else str(error)
            raise _Failure(message) from error


def _reason(error: OSError, what: str = "") -> str:
    """Say what failed, if that is known, and why."""
    about = what if error.filename is None else os.fsdecode(error.filename)
    return f"{about}: {error.strerror or error}".removeprefix(": ")


def _use_the_usual_configuration() -> None:
    """Let ``PHOS_CONFIG`` name the file that the user may have, unless it is set, be it to nothing.

    It is set for the processes that this one starts, too.
    """
    if "PHOS_CONFIG" not in os.environ:
        from phos_darkroom.settings.as_text import settings_folder

        with contextlib.suppress(OSError, RuntimeError):  # no home, or none that may be entered
            usual = settings_folder() / "config.toml"
            if usual.exists():
                os.environ["PHOS_CONFIG"] = str(usual)


def _leave_at_once_if_need_be(code: int) -> None:
    """End the process without taking a library down that a plug-in's thread is still loading."""
    from phos_core.convolution import is_anyone_left_behind

    if is_anyone_left_behind():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _plugin_commands(ctx: click.Context) -> dict[str, click.Command]:
    """Commands of plug-ins by name, looked for once in a run."""
    commands: dict[str, click.Command] | None = ctx.meta.get(__name__)
    if commands is None:
        commands = ctx.meta[__name__] = _find_plugin_commands()
    return commands


def _find_plugin_commands() -> dict[str, click.Command]:
    """Commands of plug-ins by name; a warning on stderr names those that cannot be added."""
    from phos_core.convolution import brought

    commands: dict[str, click.Command] = {}
    try:
        offered = list(brought("phos_commands"))
    except ConfigurationError as error:  # which is no reason to refuse help
        say(f"warning: {error}")
        return {}
    for plug_in, command in offered:
        name = getattr(command, "name", None)
        if not (isinstance(command, click.Command) and isinstance(name, str)):
            why = f"{shown(command)} is not a click command with a name"
        elif not COMMAND_NAME.fullmatch(name):
            why = f"the name of its command {shown(name)} must be of letters, digits, - and _"
        elif name in main.commands:
            why = f"the name of its command {name!r} belongs to phos"
        elif name in commands:
            why = f"the name of its command {name!r} is taken by another plug-in"
        else:
            commands[name] = command
            continue
        say(f"warning: plug-in {plug_in.name} ({plug_in.distribution}): {why}")
    return commands


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(phos.__version__, prog_name="phos", message="%(prog)s %(version)s")
def main() -> None:
    """Develop pictures on photographic film, computed from its physics."""


for each in (
    backends,
    compare,
    completion,
    contact,
    develop,
    doctor,
    films,
    lut,
    plugin,
    presets,
    selftest,
    spaces,
    warm,
):
    main.add_command(each)

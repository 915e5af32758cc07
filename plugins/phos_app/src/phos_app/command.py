"""``phos app``: the darkroom on this machine, for this machine."""

from pathlib import Path

import click

__all__ = ["app"]


@click.command(short_help="Open the darkroom in a browser.")
@click.argument("pictures", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=8501,
    show_default=True,
    help="Where the browser finds it, on this machine alone.",
)
@click.option("--no-browser", is_flag=True, help="Serve it, and open no browser.")
def app(pictures: tuple[Path, ...], port: int, no_browser: bool) -> None:
    """Open the darkroom in a browser, with PICTURES if there are any; Ctrl-C ends it.

    It listens to this machine alone, asks for the token in the address that it prints, and keeps
    no picture after it has ended.
    """
    from phos_app.limits import PICTURES
    from phos_app.serving import serve

    if len(pictures) > PICTURES:
        raise click.UsageError(
            f"a roll has {PICTURES} pictures at most here, got {len(pictures)}; "
            "phos develop takes any number"
        )
    serve(port, is_opened=not no_browser, pictures=pictures)

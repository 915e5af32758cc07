"""``phos app``: the darkroom on this machine, for this machine."""

from importlib.resources import files

import click

from phos_app.gate import HOSTS
from phos_app.limits import UPLOAD_MIB

__all__ = ["app", "flags"]

ADDRESS = "127.0.0.1"


@click.command(short_help="Open the darkroom in a browser.")
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=8501,
    show_default=True,
    help="Where the browser finds it, on this machine alone.",
)
@click.option("--no-browser", is_flag=True, help="Serve it, and open no browser.")
def app(port: int, no_browser: bool) -> None:
    """Open the darkroom in a browser; Ctrl-C ends it.

    It listens to this machine alone, and keeps no picture after its window is closed.
    """
    from streamlit.web import cli

    server = str(files("phos_app").joinpath("script", "server.py"))
    cli.main(["run", server, *flags(port, no_browser=no_browser)], standalone_mode=False)


def flags(port: int, *, no_browser: bool) -> list[str]:
    """Give the settings that the server starts with; they go before anybody's configuration.

    Parameters
    ----------
    port : int
        Where it listens.
    no_browser : bool
        Whether no browser is opened.

    Returns
    -------
    list of str
        Flags of ``streamlit run``.
    """
    settings = {
        "server.address": ADDRESS,
        "server.port": port,
        "server.headless": no_browser,
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.maxUploadSize": UPLOAD_MIB,
        "server.showEmailPrompt": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "browser.serverAddress": ADDRESS,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "theme.base": "dark",
        "theme.backgroundColor": "#1b1b1b",  # colours are judged against grey
        "theme.secondaryBackgroundColor": "#2b2b2b",
        "theme.primaryColor": "#c47a2c",
    }
    # A site whose name leads to this machine would else pass for the page itself.
    hosts = [f"--server.allowedHosts={host}" for host in HOSTS]
    return [*hosts, *(f"--{name}={_told(value)}" for name, value in settings.items())]


def _told(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

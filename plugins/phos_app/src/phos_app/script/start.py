"""What the server runs, anew for each change of a setting."""

from phos_app.page import show

show()

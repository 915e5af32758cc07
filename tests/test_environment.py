"""Every environment variable is documented, and no other is."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ("phos_core/src", "plugins", "examples", "benchmarks", "tests", ".ci", "noxfile.py")
NO_VARIABLES = {"PHOS_HOOK_API"}  # a name in a plug-in's module


def test_the_page_lists_the_variables_that_the_sources_name_and_no_others():
    named = set()
    for place in SOURCES:
        files = (ROOT / place).rglob("*") if (ROOT / place).is_dir() else [ROOT / place]
        for file in files:
            if file.suffix in (".py", "", ".template") and file.is_file():
                text = file.read_text(encoding="utf-8", errors="ignore")
                named |= set(re.findall(r"\bPHOS_[A-Z][A-Z_]*[A-Z]\b", text))
    page = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(PHOS_\w+)` \| .+ \| .+ \|$", page, re.MULTILINE)
    assert sorted(listed) == sorted(named - NO_VARIABLES)

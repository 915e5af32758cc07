"""Files are written whole or not at all, whatever the system refuses, and whoever else writes."""

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import phos_core as phos
from phos_core.errors import ImageFileError
from phos_darkroom import one_file
from phos_darkroom.files import whole_files
from phos_darkroom.files.formats.tiff_regions import TiffRegions
from phos_darkroom.files.image_files import read_picture, write_image, write_picture
from phos_darkroom.files.picture import Picture
from phos_darkroom.files.whole_files import (
    abandon_all,
    check_place,
    new_files,
    part_stem,
    replacing,
    sweep,
)
from phos_darkroom.one_file import develop_file
from phos_darkroom.settings.sidecar import is_done, path_for, read

needs_posix = pytest.mark.skipif(os.name == "nt", reason="permissions and locks as POSIX has them")
ENOSPC, EDQUOT, EIO = errno.ENOSPC, errno.EDQUOT, errno.EIO
OPERATIONS = ("open", "dup", "fsync", "replace", "link", "unlink", "chmod", "stat", "listdir")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


class Faults:
    """Counts what is asked of the system about one folder, and refuses the n-th of it."""

    def __init__(self, monkeypatch, folder, number, code):
        self.folder, self.number, self.code, self.count = str(folder), number, code, 0
        self.descriptors = set()
        for name in OPERATIONS:
            monkeypatch.setattr(os, name, self.wrapped(name, getattr(os, name)))

    def wrapped(self, name, call):
        def faulty(first, *arguments, **keywords):
            ours = first in self.descriptors or (
                not isinstance(first, int) and os.fspath(first).startswith(self.folder)
            )
            if ours:
                self.count += 1
                if self.count == self.number:
                    raise OSError(self.code, os.strerror(self.code), first)
            result = call(first, *arguments, **keywords)
            if ours and name in ("open", "dup"):
                self.descriptors.add(result)
            return result

        return faulty


@pytest.fixture
def pair(tmp_path, rng):
    """A source, and a positive with its sidecar in a folder of their own."""
    (tmp_path / "out").mkdir()
    write_image(tmp_path / "in.png", rng.integers(0, 256, (16, 24, 3)).astype(np.uint8))
    old = phos.Recipe(film="velvia-50", seed=1)
    develop_file(tmp_path / "in.png", tmp_path / "out" / "a.png", old, backend="scipy")
    return tmp_path


def state_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.proof
@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("code", [ENOSPC, EDQUOT, EIO])
def test_whatever_is_refused_a_positive_and_its_sidecar_are_the_old_pair_or_the_new(
    pair, monkeypatch, overwrite, code
):
    """Each operation on the folder fails once; the outcome is all or nothing, and no part stays."""
    source, out = pair / "in.png", pair / "out"
    new = phos.Recipe(film="portra-400", seed=2)
    if not overwrite:
        for path in out.iterdir():
            path.unlink()
    before = state_of(out)
    done = wrong = number = 0
    while not done:
        number += 1
        with monkeypatch.context() as patched:
            faults = Faults(patched, out, number, code)
            try:
                develop_file(source, out / "a.png", new, backend="scipy", overwrite=overwrite)
                said = ""
            except ImageFileError as error:
                said = str(error)
        done = faults.count < number  # nothing was refused any more
        after = state_of(out)
        # A part that may not be removed stays, and is swept later.
        left = {name for name in after if name.endswith(".part")}
        for name in left:
            (out / name).unlink()
            del after[name]
        is_whole = is_done(source, new, out / "a.png") and len(after) == 2
        if said:
            wrong += after != before or "cannot write" not in said
            wrong += os.strerror(code) not in said
        else:
            wrong += not is_whole
            wrong += len(left) > (1 if not done else 0)
        for name in after:
            (out / name).unlink()
        for name, content in before.items():
            (out / name).write_bytes(content)
    assert wrong == 0
    assert number > 15


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp", "a.avif", "a.exr"])
@needs_posix
def test_a_full_disk_is_told_as_such_of_the_file_that_was_to_be_written(tmp_path, rng, name):
    resource = pytest.importorskip("resource")
    picture = Picture(pixels=rng.integers(0, 256, (200, 200, 3)).astype(np.uint8))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # Python takes the signal as EFBIG
    try:
        with pytest.raises(ImageFileError) as refused:
            write_picture(tmp_path / name, picture)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said = str(refused.value)
    assert said.startswith(f"cannot write {tmp_path / name}: ")
    assert ".part" not in said
    assert names_in(tmp_path) == []


@needs_posix
def test_a_part_has_the_permissions_of_the_file_from_the_start(tmp_path):
    before = os.umask(0o027)
    try:
        for number, (there, expected) in enumerate(
            [(None, 0o640), (0o600, 0o600), (0o444, 0o444), (0o666, 0o666), (0o400, 0o400)]
        ):
            path = tmp_path / f"{number}.png"
            if there is not None:
                path.touch()
                path.chmod(there)
            with replacing(path) as file:
                assert stat.S_IMODE(Path(file.name).stat().st_mode) == expected
                file.write(b"new")
            assert stat.S_IMODE(path.stat().st_mode) == expected
            assert path.read_bytes() == b"new"
    finally:
        os.umask(before)


@needs_posix
def test_an_exr_takes_the_place_of_one_that_is_to_be_read_alone(tmp_path, rng):
    pytest.importorskip("OpenImageIO")
    path = tmp_path / "a.exr"
    light = Picture(pixels=rng.random((8, 8, 3), dtype=np.float32), encoding="linear")
    path.touch()
    path.chmod(0o400)
    write_picture(path, light, overwrite=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    np.testing.assert_array_equal(read_picture(path).pixels, light.pixels)


@pytest.mark.parametrize(
    "name",
    [
        "n" * 241 + ".png",
        "海" * 77 + ".png",
        "é" * 120 + ".png",
        "🎞" * 60 + ".png",
        "e\u0301" * 80 + ".png",
    ],
)
def test_every_name_that_the_file_system_takes_can_be_written(tmp_path, name):
    with replacing(tmp_path / name) as file:
        assert len(os.fsencode(Path(file.name).name)) < 128
        file.write(b"whole")
    assert names_in(tmp_path) == [name]


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    write_image(tmp_path / "in.png", np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    monkeypatch.setattr(one_file, "read_picture", lambda *_, **__: pytest.fail("it was begun"))
    cases = {
        "n" * 252 + ".png": "File name too long",
        "n" * 242 + ".png": "sidecar=False leaves out",  # long enough for itself alone
        "nowhere/a.png": "No such file",
        "file/a.png": "Not a directory",
        "folder.png": "it is a folder",
    }
    for name, why in cases.items():
        with pytest.raises(ImageFileError, match=why):
            develop_file(tmp_path / "in.png", tmp_path / name, phos.Recipe(), overwrite=True)
    assert names_in(tmp_path) == ["file", "folder.png", "in.png"]


@needs_posix
def test_what_is_no_file_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "null.png").symlink_to(os.devnull)
    for name in ("pipe.png", "null.png"):
        with pytest.raises(ImageFileError, match="no regular file"):
            check_place(tmp_path / name)
        with pytest.raises(ImageFileError, match="no regular file"), replacing(tmp_path / name):
            pass
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_file_that_appears_during_the_work_is_not_replaced_unasked(tmp_path):
    path = tmp_path / "a.txt"

    def write():
        with new_files(overwrite=False) as files:
            files.open(path).write(b"ours")
            path.write_bytes(b"theirs")

    with pytest.raises(ImageFileError, match="exists already"):
        write()
    assert path.read_bytes() == b"theirs"
    assert names_in(tmp_path) == ["a.txt"]


def removed(stem, part):
    part.unlink()


@needs_posix
def test_only_the_parts_of_the_dead_are_swept(tmp_path):
    program = """
    import os, sys, time
    from phos_darkroom.files.whole_files import new_files
    with new_files() as files:
        files.open(sys.argv[1]).write(b"half")
        files.open(sys.argv[2]).write(b"half")
        print("open", flush=True)
        sys.stdin.readline()
    """
    found = []
    for name in ("dead", "living"):
        places = [str(tmp_path / f"{name}.png"), str(tmp_path / f"{name}.png.phos.toml")]
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), *places],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as writer:
            assert writer.stdout.readline() == b"open\n"
            if name == "dead":
                writer.kill()
                writer.wait()
                continue
            sweep(tmp_path, lambda stem, part: (found.append(stem), part.unlink()))
            writer.communicate(b"\n")
            assert writer.returncode == 0
    assert sorted(found) == ["dead.png", "dead.png.phos.toml"]
    assert names_in(tmp_path) == ["living.png", "living.png.phos.toml"]


@needs_posix
def test_what_only_looks_like_a_part_is_left(tmp_path):
    kept = [".a.png.part", "a.png.0123abcd.part", ".a.png.x.part", ".a.0123abcg.part"]
    for name in kept:
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / ".pipe.0123abcd.part")
    (tmp_path / ".link.0123abcd.part").symlink_to(tmp_path / "a.png.0123abcd.part")
    (tmp_path / ".folder.0123abcd.part").mkdir()
    kept = names_in(tmp_path)
    sweep(tmp_path, removed)
    assert names_in(tmp_path) == kept
    sweep(tmp_path / "nowhere", removed)


@needs_posix
def test_a_part_of_this_very_process_is_not_swept(tmp_path):
    with replacing(tmp_path / "a.png") as file:
        file.write(b"whole")
        sweep(tmp_path, removed)
    assert (tmp_path / "a.png").read_bytes() == b"whole"


def test_an_interrupt_leaves_no_part_and_what_was_there(tmp_path):
    (tmp_path / "a.png").write_bytes(b"old")

    def write():
        with new_files() as files:
            files.open(tmp_path / "a.png").write(b"new")
            files.open(tmp_path / "a.png.phos.toml").write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert state_of(tmp_path) == {"a.png": b"old"}


def test_a_name_in_a_part_is_cut_between_characters():
    assert part_stem("a.png") == "a.png"
    assert part_stem("海" * 50) == "海" * 33
    assert len(part_stem("n" * 300)) == 100


@pytest.mark.proof
@needs_posix
def test_two_that_take_places_at_once_never_mix_their_pairs(tmp_path):
    """Three processes write one pair again and again; at every end both are of one."""
    program = """
    import sys
    from phos_darkroom.files.whole_files import new_files
    for _ in range(60):
        with new_files() as files:
            for name in ("a", "b"):
                files.open(name).write(sys.argv[1].encode())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    writers = [subprocess.Popen([*command, str(number)], cwd=tmp_path) for number in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert names_in(tmp_path) == ["a", "b"]


@needs_posix
def test_before_a_process_ends_itself_it_removes_its_parts_and_makes_no_others(tmp_path):
    program = """
    import os, sys, threading
    from phos_darkroom.files.whole_files import abandon_all, new_files
    with new_files() as files:
        files.open("a").write(b"half")
        files.open("b").write(b"half")
        abandon_all()
        def more():
            with new_files() as others:
                others.open("c")
        threading.Thread(target=more, daemon=True).start()
        os._exit(3)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, check=False
    )
    assert done.returncode == 3
    assert names_in(tmp_path) == []


@needs_posix
def test_a_fork_knows_nothing_of_the_parts_of_its_parent(tmp_path):
    with replacing(tmp_path / "a") as file:
        file.write(b"whole")
        child = os.fork()
        if child == 0:
            abandon_all()
            os._exit(0)
        os.waitpid(child, 0)
    assert (tmp_path / "a").read_bytes() == b"whole"


def test_a_source_replaced_while_it_is_developed_is_not_what_the_sidecar_tells_of(
    pair, monkeypatch, rng
):
    source, out = pair / "in.png", pair / "out" / "b.png"
    develop, read_bytes = one_file._developed_framed, source.read_bytes()
    write_image(pair / "other.png", rng.integers(0, 256, (16, 24, 3)).astype(np.uint8))

    def meanwhile(*arguments, **keywords):
        (pair / "other.png").replace(source)
        return develop(*arguments, **keywords)

    monkeypatch.setattr(one_file, "_developed_framed", meanwhile)
    develop_file(source, out, phos.Recipe(), backend="scipy")
    facts = read(path_for(out)).source
    assert facts.size_bytes == len(read_bytes)
    assert not is_done(source, phos.Recipe(), out)
    source.write_bytes(read_bytes)
    assert is_done(source, phos.Recipe(), out)


@pytest.mark.parametrize("way", ["replaced", "changed"])
def test_a_source_that_changes_while_it_is_read_is_one_clear_error(pair, monkeypatch, rng, way):
    source, out = pair / "in.png", pair / "out" / "b.png"
    other = rng.integers(0, 256, (32, 24, 3)).astype(np.uint8)
    write_image(pair / "other.png", other)
    reads = one_file.read_picture

    def meanwhile(path, **settings):
        picture = reads(path, **settings)
        if way == "replaced":
            (pair / "other.png").replace(source)
        else:
            source.write_bytes((pair / "other.png").read_bytes())
        return picture

    monkeypatch.setattr(one_file, "read_picture", meanwhile)
    with pytest.raises(ImageFileError, match=f"in.png was {way} while it was read"):
        develop_file(source, out, phos.Recipe(), backend="scipy")
    assert names_in(pair / "out") == ["a.png", "a.png.phos.toml"]


def test_a_source_that_cannot_be_hashed_is_not_said_to_be_an_output(pair, monkeypatch):
    def refused(*_):
        raise OSError(EIO, os.strerror(EIO))

    monkeypatch.setattr("hashlib.file_digest", refused)
    with pytest.raises(ImageFileError) as error:
        develop_file(pair / "in.png", pair / "out" / "b.png", phos.Recipe(), backend="scipy")
    assert str(error.value).startswith(f"{pair / 'in.png'} cannot be read: input/output error")


def test_the_folder_is_synced_after_the_files_have_taken_their_places(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace

    def syncing(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        order.append(kind)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "replace", lambda *names: (order.append("takes"), replace(*names)))
    with new_files() as files:
        files.open(tmp_path / "a").write(b"1")
        files.open(tmp_path / "b").write(b"2")
    assert order == ["file", "file", "takes", "takes", *(["folder"] if os.name != "nt" else [])]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@needs_posix
def test_a_signal_removes_what_is_half_written_and_ends_with_its_code(tmp_path, name):
    number = getattr(signal, name)
    program = """
    import sys, phos_shell
    phos_shell._listen()
    from phos_darkroom.files.whole_files import new_files
    with new_files() as files:
        files.open("a").write(b"half")
        files.open("b").write(b"half")
        print("open", flush=True)
        sys.stdin.readline()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writer:
        assert writer.stdout.readline() == b"open\n"
        writer.send_signal(number)
        _, said = writer.communicate()
    assert writer.returncode == 128 + number
    assert said.count(b"\n") == 1
    assert said.startswith(b"phos: ")
    assert names_in(tmp_path) == []


def test_the_module_is_the_only_one_that_moves_files():
    """Whoever else renames or removes would have to think of faults, interrupts and others anew."""
    home = Path(whole_files.__file__).parents[2]
    moving = ("os.rename", ".rename(", "os.replace(", "shutil.move", "mkstemp", ".unlink(")
    allowed = {
        *("files/whole_files/part.py", "roll/resuming.py"),
        "settings/presets.py",  # whose owner asks for a preset to go
    }
    found = {
        path.relative_to(home).as_posix()
        for path in home.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if any(word in line for word in moving)
    }
    assert found <= allowed, found - allowed


@pytest.fixture
def by_tiles(tmp_path, rng, monkeypatch):
    """A TIFF that counts as too large to be developed as a whole."""
    monkeypatch.setattr(one_file, "is_large", lambda _: True)
    for name in ("in.tif", "other.tif"):
        write_image(tmp_path / name, rng.integers(0, 256, (300, 280, 3)).astype(np.uint8))
    (tmp_path / "out").mkdir()
    return tmp_path


def test_by_tiles_too_the_sidecar_tells_of_what_was_read(by_tiles, monkeypatch):
    source, out = by_tiles / "in.tif", by_tiles / "out" / "a.tif"
    before = source.read_bytes()
    read_region, regions = TiffRegions.read, []

    def reading(self, rows, cols):
        if not regions:
            (by_tiles / "other.tif").replace(source)
        regions.append(rows)
        return read_region(self, rows, cols)

    monkeypatch.setattr(TiffRegions, "read", reading)
    develop_file(source, out, phos.Recipe(), backend="scipy")
    assert not is_done(source, phos.Recipe(), out)
    source.write_bytes(before)
    assert is_done(source, phos.Recipe(), out)


def test_by_tiles_a_source_that_is_changed_meanwhile_is_one_clear_error(by_tiles, monkeypatch):
    source = by_tiles / "in.tif"
    read_region = TiffRegions.read

    def reading(self, rows, cols):
        region = read_region(self, rows, cols)
        with source.open("ab") as file:
            file.write(b"more")
        return region

    monkeypatch.setattr(TiffRegions, "read", reading)
    with pytest.raises(ImageFileError, match=r"in\.tif was changed while it was read"):
        develop_file(source, by_tiles / "out" / "a.tif", phos.Recipe(), backend="scipy")
    assert names_in(by_tiles / "out") == []


@needs_posix
def test_by_tiles_a_full_disk_is_told_of_the_positive_and_a_bad_one_of_the_source(
    by_tiles, monkeypatch
):
    resource = pytest.importorskip("resource")
    source, out = by_tiles / "in.tif", by_tiles / "out" / "a.tif"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(ImageFileError, match=f"^cannot write {out}: File too large"):
            develop_file(source, out, phos.Recipe(), backend="scipy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names_in(by_tiles / "out") == []

    def refused(*_):
        raise OSError(EIO, os.strerror(EIO))

    monkeypatch.setattr(TiffRegions, "_stored", refused)
    with pytest.raises(ImageFileError) as error:
        develop_file(source, out, phos.Recipe(), backend="scipy")
    assert str(error.value).startswith(str(source))
    assert "cannot write" not in str(error.value)
    assert names_in(by_tiles / "out") == []

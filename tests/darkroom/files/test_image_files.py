"""The door: pictures come back as they were written; what would be lost is refused in one line."""

import io
import os
import stat
import struct
import sys
import warnings
import zlib
from functools import cache

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats import png
from phos_darkroom.files.image_files import (
    check_writable,
    read_image,
    read_picture,
    write_image,
    write_picture,
)
from phos_darkroom.files.picture import Metadata, Picture

RNG_SEED = 20
EXIF = (
    b"MM\0*\0\0\0\x08\0\x02"
    b"\x01\x0f\0\x02\0\0\0\x04cam\0"
    b"\x01\x12\0\x03\0\0\0\x01\0\x01\0\0"  # orientation 1
    b"\0\0\0\0a maker's note"
)
EVERY = (".jpg", ".png", ".tif", ".webp", ".avif")


@pytest.fixture
def colour():
    """A smooth colour picture of 12 rows and 17 columns, every row and column different."""
    rows, cols = np.mgrid[0:12, 0:17]
    return np.stack([10 * rows + 60, 9 * cols + 40, 5 * rows + 5 * cols + 30], -1).astype(np.uint8)


@pytest.fixture
def grey(colour):
    return np.ascontiguousarray(colour[..., 0])


def png_of_depth(bits, channels, pixels):
    """Write a PNG by its specification: Pillow writes no 16-bit colour."""
    colour_type = {1: 0, 3: 2}[channels]
    rows, cols = pixels.shape[:2]
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", cols, rows, bits, colour_type, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            chunk(b"IDAT", zlib.compress(lines)),
            chunk(b"IEND", b""),
        ]
    )


@cache
def other_profile():
    """An RGB profile that is not sRGB: red and green have changed places."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"swap").replace(b"gXYZ", b"rXYZ").replace(b"swap", b"gXYZ")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
@pytest.mark.parametrize("kind", ["colour", "grey"])
def test_lossless_formats_give_back_every_code(tmp_path, request, suffix, kind):
    image = request.getfixturevalue(kind)
    write_image(tmp_path / f"picture{suffix}", image)
    again = read_image(tmp_path / f"picture{suffix}")
    assert again.dtype == np.uint8
    assert np.array_equal(again, image)


@pytest.mark.parametrize("kind", ["colour", "grey"])
def test_jpeg_gives_back_nearly_every_code(tmp_path, request, kind):
    image = request.getfixturevalue(kind)
    write_image(tmp_path / "picture.jpg", image)
    again = read_image(tmp_path / "picture.jpg")
    assert again.shape == image.shape
    assert np.abs(again.astype(int) - image).max() <= 6


def test_jpeg_keeps_the_colour_of_a_single_pixel_line(tmp_path):
    image = np.full((16, 16, 3), 128, np.uint8)
    image[:, 8] = (220, 60, 60)
    write_image(tmp_path / "line.jpg", image)
    red, green = read_image(tmp_path / "line.jpg")[8, 8, :2].astype(int)
    assert red - green > 120


@pytest.mark.parametrize("name", ["picture.jpg", "picture.tif"])
def test_colour_files_carry_an_srgb_profile(tmp_path, colour, name):
    write_image(tmp_path / name, colour)
    with Image.open(tmp_path / name) as picture:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
    assert ImageCms.getProfileDescription(profile).startswith("sRGB")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_image(tmp_path / name)


@pytest.mark.parametrize("kind", ["colour", "grey"])
def test_png_is_marked_as_srgb(tmp_path, request, kind):
    write_image(tmp_path / "picture.png", request.getfixturevalue(kind))
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.info["srgb"] == 0


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_equal_pictures_give_equal_bytes(tmp_path, colour, suffix, monkeypatch):
    for name in ("a", "b"):
        write_image(tmp_path / (name + suffix), colour)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_the_profile_holds_no_time_of_its_making(tmp_path, colour):
    write_image(tmp_path / "picture.tif", colour)
    with Image.open(tmp_path / "picture.tif") as picture:
        year = struct.unpack(">H", picture.info["icc_profile"][24:26])[0]
    assert year == 2000


@pytest.mark.parametrize("suffix", EVERY)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(tmp_path, suffix, orientation):
    upright = np.full((16, 32), 20, np.uint8)
    upright[:8, :8] = 230  # the top left corner is light
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright[::-1, ::-1].T,
        8: upright.T[:, ::-1],
    }
    # 6: the camera was turned; viewers rotate by 90° clockwise, so it is stored counter-clockwise.
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned{suffix}"
    Image.fromarray(np.ascontiguousarray(stored[orientation])).save(path, exif=exif)
    image = read_image(path)
    assert image.shape[:2] == upright.shape
    grey = image if image.ndim == 2 else image[..., 1]  # WebP has RGB alone
    assert np.abs(grey.astype(int) - upright).max() <= 8
    written = tmp_path / f"again{suffix}"
    write_picture(written, read_picture(path))
    assert np.array_equal(read_image(written).shape, image.shape)


def test_an_unreadable_exif_block_does_not_stop_the_picture(tmp_path, colour):
    Image.fromarray(colour).save(tmp_path / "odd.png", exif=b"Exif\0\0garbage")
    assert np.array_equal(read_image(tmp_path / "odd.png"), colour)


def test_the_hand_made_png_is_a_good_one(tmp_path, colour):
    (tmp_path / "plain.png").write_bytes(png_of_depth(8, 3, colour))
    assert np.array_equal(read_image(tmp_path / "plain.png"), colour)


@pytest.mark.parametrize("channels", [1, 3])
def test_integers_of_32_bits_are_refused(tmp_path, channels):
    pixels = np.zeros((6, 7, channels), "uint32")
    photometric = "rgb" if channels == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "deep.tif", pixels.squeeze(), photometric=photometric)
    with pytest.raises(ImageFileError, match="32 bits"):
        read_image(tmp_path / "deep.tif")


def test_floats_are_no_codes(tmp_path, colour):
    tifffile.imwrite(tmp_path / "light.tif", colour.astype(np.float32), photometric="rgb")
    with pytest.raises(ImageFileError, match="read_picture"):
        read_image(tmp_path / "light.tif")


def test_signed_8_bit_tiff_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "signed.tif", np.zeros((4, 4), np.int8), photometric="minisblack")
    with pytest.raises(ImageFileError, match="signed"):
        read_image(tmp_path / "signed.tif")


def test_tiff_of_several_pages_is_refused_but_a_thumbnail_is_not(tmp_path, colour):
    with tifffile.TiffWriter(tmp_path / "pages.tif") as tiff:
        tiff.write(colour, photometric="rgb")
        tiff.write(colour, photometric="rgb")
    with pytest.raises(ImageFileError, match="2 pictures"):
        read_image(tmp_path / "pages.tif")
    with tifffile.TiffWriter(tmp_path / "thumbnail.tif") as tiff:
        tiff.write(colour, photometric="rgb")
        tiff.write(colour[::4, ::4], photometric="rgb", subfiletype=1)
    assert np.array_equal(read_image(tmp_path / "thumbnail.tif"), colour)


@pytest.mark.parametrize("name", ["camera.nef", "camera.dng", "camera.tif"])
def test_raw_files_are_never_read_as_their_thumbnail(tmp_path, colour, name):
    tifffile.imwrite(tmp_path / name, colour, photometric="rgb", subfiletype=1)
    with pytest.raises(ImageFileError, match="raw file"):
        read_image(tmp_path / name)


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    (tmp_path / "camera.dng").write_bytes(b"II*\0" + bytes(100))
    with pytest.raises(ImageFileError, match=r"phos_darkroom\[raw\]"):
        read_picture(tmp_path / "camera.dng")


def test_white_is_zero_tiff_comes_out_positive(tmp_path, grey):
    tifffile.imwrite(tmp_path / "fax.tif", 255 - grey, photometric="miniswhite")
    assert np.array_equal(read_image(tmp_path / "fax.tif"), grey)


def test_opaque_alpha_is_dropped(tmp_path, colour, grey):
    opaque = np.full((*grey.shape, 1), 255, np.uint8)
    for name, image in (("rgba", colour), ("la", grey[..., np.newaxis])):
        Image.fromarray(np.concatenate([image, opaque], -1)).save(tmp_path / f"{name}.png")
        assert np.array_equal(read_image(tmp_path / f"{name}.png"), image.squeeze())


def test_transparent_parts_are_refused(tmp_path, colour, grey):
    alpha = np.full((*grey.shape, 1), 255, np.uint8)
    alpha[3, 3] = 254
    for suffix in (".png", ".tif"):
        Image.fromarray(np.concatenate([colour, alpha], -1)).save(tmp_path / f"cut{suffix}")
        with pytest.raises(ImageFileError, match="transparent parts"):
            read_image(tmp_path / f"cut{suffix}")
    palette = Image.fromarray(colour).quantize(16)
    palette.save(tmp_path / "palette.png", transparency=0)
    with pytest.raises(ImageFileError, match="transparent parts"):
        read_image(tmp_path / "palette.png")


def test_palettes_and_bitmaps_are_converted(tmp_path, colour, grey):
    palette = Image.fromarray(colour).quantize(16)
    palette.save(tmp_path / "palette.png")
    assert np.array_equal(read_image(tmp_path / "palette.png"), np.array(palette.convert("RGB")))
    bitmap = Image.fromarray(grey > 100)
    for suffix in (".png", ".tif"):
        bitmap.save(tmp_path / f"bitmap{suffix}")
        assert np.array_equal(read_image(tmp_path / f"bitmap{suffix}"), 255 * (grey > 100))


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_inks_are_refused(tmp_path, colour, suffix):
    Image.fromarray(colour).convert("CMYK").save(tmp_path / f"inks{suffix}")
    with pytest.raises(ImageFileError, match="CMYK"):
        read_image(tmp_path / f"inks{suffix}")


def test_of_a_cameras_multi_picture_jpeg_the_main_one_is_read(tmp_path, colour):
    main, preview = Image.fromarray(colour), Image.fromarray(colour[::2, ::2])
    main.save(tmp_path / "dual.mpo", save_all=True, append_images=[preview], quality=95)
    (tmp_path / "dual.mpo").rename(tmp_path / "dual.jpg")
    assert read_image(tmp_path / "dual.jpg").shape == colour.shape


def test_animations_are_refused(tmp_path, colour):
    frames = [Image.fromarray(colour), Image.fromarray(colour[::-1].copy())]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageFileError, match="animation"):
        read_image(tmp_path / "moving.png")


@pytest.mark.parametrize("suffix", EVERY)
def test_codes_of_another_colour_space_are_converted_to_srgb(tmp_path, colour, suffix):
    Image.fromarray(colour).save(
        tmp_path / f"swapped{suffix}", icc_profile=other_profile(), quality=95
    )
    picture = read_picture(tmp_path / f"swapped{suffix}")
    assert picture.encoding == "profile"
    assert picture.metadata.icc_profile == other_profile()
    image = read_image(tmp_path / f"swapped{suffix}")
    assert np.abs(image.astype(int) - picture.pixels[..., [1, 0, 2]]).max() <= 2


def test_a_profile_of_srgb_is_told_by_what_it_does(tmp_path, colour):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(colour).save(tmp_path / "usual.png", icc_profile=profile)
    picture = read_picture(tmp_path / "usual.png")
    assert picture.encoding == "srgb"
    assert picture.metadata.icc_profile == profile


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_broken_profile_is_left_out_aloud(tmp_path, colour, suffix):
    Image.fromarray(colour).save(tmp_path / f"broken{suffix}", icc_profile=b"no profile at all")
    with pytest.warns(UserWarning, match="broken.* carries a colour profile that cannot be used"):
        picture = read_picture(tmp_path / f"broken{suffix}")
    assert picture.encoding == "srgb"
    assert picture.metadata.icc_profile is None


def test_a_profile_of_other_pictures_is_left_out_or_its_picture_becomes_rgb(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / "grey.png", icc_profile=other_profile())
    picture = read_picture(tmp_path / "grey.png")
    assert picture.encoding == "profile"
    assert np.array_equal(picture.pixels, np.stack([grey] * 3, -1))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"hello, I am no picture", "not a picture that can be read"),
        (b"GIF89a" + bytes(40), "not a picture that can be read"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"II*\0" + bytes(20), "damaged"),
    ],
)
def test_what_is_no_picture_gives_one_clear_line(tmp_path, content, word):
    path = tmp_path / "thing.tif"
    path.write_bytes(content)
    with pytest.raises(ImageFileError, match=word) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_give_one_clear_line(tmp_path):
    with pytest.raises(ImageFileError, match="does not exist"):
        read_image(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageFileError, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.filterwarnings("ignore:.* mark of its end is missing")
@pytest.mark.filterwarnings("ignore:.* carries a colour profile")
@pytest.mark.parametrize("suffix", EVERY)
def test_a_file_cut_anywhere_is_refused_unless_no_pixel_is_missing(tmp_path, suffix):
    image = np.random.default_rng(RNG_SEED).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    write_image(tmp_path / f"whole{suffix}", image)
    content = (tmp_path / f"whole{suffix}").read_bytes()
    whole = read_image(tmp_path / f"whole{suffix}")
    cut = tmp_path / f"cut{suffix}"
    refused = 0
    for length in [*range(1, len(content), len(content) // 50), len(content) - 2]:
        cut.write_bytes(content[:length])
        try:
            assert np.array_equal(read_image(cut), whole)
        except ImageFileError:
            refused += 1
    assert refused >= 40


@pytest.mark.filterwarnings("ignore:.* stray byte", "ignore:.* mark of its end is missing")
@pytest.mark.filterwarnings("ignore:.* carries a colour profile")
@pytest.mark.parametrize("suffix", EVERY)
def test_damaged_bytes_never_raise_anything_else(tmp_path, suffix, colour):
    write_image(tmp_path / f"whole{suffix}", colour)
    content = np.frombuffer((tmp_path / f"whole{suffix}").read_bytes(), np.uint8)
    rng = np.random.default_rng(RNG_SEED)
    damaged = tmp_path / f"damaged{suffix}"
    for _ in range(150):
        altered = content.copy()
        places = rng.integers(0, content.size, 4)
        altered[places] = rng.integers(0, 256, 4)
        damaged.write_bytes(altered.tobytes())
        try:
            image = read_image(damaged)
        except ImageFileError:
            continue
        assert image.dtype == np.uint8


def test_absurd_sizes_are_refused_before_they_are_allocated(tmp_path, colour):
    content = bytearray(png_of_depth(8, 3, colour))
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "bomb.png").write_bytes(content)
    with pytest.raises(ImageFileError, match="60000 by 60000 pixels, more than the 178 megapixels"):
        read_image(tmp_path / "bomb.png")


def test_large_pictures_below_the_limit_are_read_without_a_word(tmp_path, colour, monkeypatch):
    write_image(tmp_path / "large.jpg", colour)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", colour.shape[0] * colour.shape[1] - 1)
    assert read_image(tmp_path / "large.jpg").shape == colour.shape


def test_an_existing_file_is_replaced_only_on_request(tmp_path, colour):
    path = tmp_path / "picture.png"
    write_image(path, colour)
    with pytest.raises(ImageFileError, match="exists already"):
        write_image(path, colour[::-1])
    assert np.array_equal(read_image(path), colour)
    write_image(path, colour[::-1], overwrite=True)
    assert np.array_equal(read_image(path), colour[::-1])


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_write_leaves_the_folder_as_it_was(
    tmp_path, colour, monkeypatch, interruption
):
    path = tmp_path / "picture.png"
    write_image(path, colour)
    before = path.read_bytes()

    def write_half(file, picture):
        file.write(b"half")
        raise interruption

    monkeypatch.setattr(png, "write", write_half)
    with pytest.raises(interruption):
        write_image(path, colour[::-1], overwrite=True)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["picture.png"]


def test_a_full_disk_gives_one_clear_line(tmp_path, colour, monkeypatch):
    def refuse(file, picture):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(png, "write", refuse)
    with pytest.raises(ImageFileError, match="No space left"):
        write_image(tmp_path / "picture.png", colour)
    assert not any(tmp_path.iterdir())


def test_a_missing_folder_gives_one_clear_line(tmp_path, colour):
    with pytest.raises(ImageFileError, match="cannot write"):
        write_image(tmp_path / "nowhere" / "picture.png", colour)


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX's")
def test_permissions_follow_the_umask_and_survive_replacement(tmp_path, colour):
    plain = tmp_path / "plain"
    plain.touch()
    path = tmp_path / "picture.png"
    write_image(path, colour)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    path.chmod(0o640)
    write_image(path, colour, overwrite=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="links need no privilege on POSIX only")
def test_a_link_stays_a_link(tmp_path, colour):
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    write_image(tmp_path / "link.png", colour)
    assert (tmp_path / "link.png").is_symlink()
    assert np.array_equal(read_image(tmp_path / "real.png"), colour)


@pytest.mark.parametrize("name", ["picture", "picture.gif", "picture.heic", "picture.jpg.bak"])
def test_unknown_endings_are_refused(tmp_path, colour, name):
    with pytest.raises(ImageFileError, match=r"none of \.jpg"):
        write_image(tmp_path / name, colour)


@pytest.mark.parametrize("dtype", [np.int16, np.float32, bool])
def test_other_dtypes_are_refused(tmp_path, dtype):
    with pytest.raises(TypeError, match="uint8"):
        write_image(tmp_path / "picture.png", np.zeros((4, 4), dtype))


@pytest.mark.parametrize("shape", [(4,), (3, 4, 4), (4, 4, 4), (0, 4), (4, 4, 3, 1)])
def test_other_shapes_are_refused(tmp_path, shape):
    with pytest.raises(ValueError, match=r"\(rows, cols"):
        write_image(tmp_path / "picture.png", np.zeros(shape, np.uint8))


def test_any_stride_is_written(tmp_path, colour):
    view = colour[::-2, ::3, ::-1]
    write_image(tmp_path / "picture.png", view)
    assert np.array_equal(read_image(tmp_path / "picture.png"), view)


def test_gamma_chunks_alone_do_not_change_the_codes(tmp_path, colour):
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"gAMA", struct.pack(">I", 45455))
    Image.fromarray(colour).save(tmp_path / "gamma.png", pnginfo=chunks)
    assert np.array_equal(read_image(tmp_path / "gamma.png"), colour)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_ramp_of_16_bits_keeps_every_level(tmp_path, suffix, channels):
    ramp = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    image = ramp if channels == 1 else np.stack([ramp, ramp[::-1], ramp.T], -1)
    write_image(tmp_path / f"ramp{suffix}", image)
    again = read_image(tmp_path / f"ramp{suffix}")
    assert again.dtype == np.uint16
    assert np.array_equal(again, image)
    assert np.unique(again).size == 65_536


@pytest.mark.parametrize("suffix", EVERY)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_metadata_come_back_byte_for_byte(tmp_path, colour, suffix, dtype):
    metadata = Metadata(exif=EXIF, xmp=b"<x:xmpmeta/>", icc_profile=other_profile())
    image = colour.astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    picture = Picture(pixels=image, encoding="profile", metadata=metadata)
    write_picture(tmp_path / f"tagged{suffix}", picture)
    again = read_picture(tmp_path / f"tagged{suffix}").metadata
    assert again.icc_profile == metadata.icc_profile
    assert again.xmp == metadata.xmp
    if suffix != ".tif":  # a TIFF's EXIF is among its own directories
        assert again.exif == EXIF
    else:
        with Image.open(tmp_path / "tagged.tif") as file:
            assert file.getexif()[0x010F] == "cam"
        assert b"cam\0" in again.exif


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".avif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_carried_opaque_or_not(tmp_path, colour, grey, suffix, dtype):
    scale = dtype(np.iinfo(dtype).max // 255)
    for alpha in (grey, np.full_like(grey, 255)):
        picture = Picture(pixels=colour.astype(dtype) * scale, alpha=alpha.astype(dtype) * scale)
        path = tmp_path / f"cut{suffix}"
        write_picture(path, picture, overwrite=True)
        again = read_picture(path)
        lossless = suffix in (".png", ".tif")
        if alpha.min() == 255 and not lossless:
            assert again.alpha is None  # libwebp and libavif leave an opaque channel out
            continue
        expected = picture.alpha if lossless else alpha
        assert again.alpha.dtype == expected.dtype
        assert np.abs(again.alpha.astype(int) - expected).max() <= (0 if lossless else 2)
        if lossless:
            assert np.array_equal(again.pixels, picture.pixels)


def test_transparency_is_refused_before_the_work_by_a_format_without_it(tmp_path, colour, grey):
    path = tmp_path / "picture.jpg"
    with pytest.raises(ImageFileError, match="JPEG holds no transparency"):
        check_writable(path, Picture(pixels=colour, alpha=grey))
    with pytest.raises(ImageFileError, match="JPEG holds no transparency"):
        write_picture(path, Picture(pixels=colour, alpha=grey))
    assert not path.exists()
    write_picture(path, Picture(pixels=colour, alpha=np.full_like(grey, 255)))
    assert read_picture(path).alpha is None


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_scene_linear_light_is_not_written_as_codes(tmp_path, suffix, dtype):
    picture = Picture(pixels=np.zeros((4, 4, 3), dtype), encoding="linear")
    with pytest.raises(ImageFileError, match="scene-linear light"):
        write_picture(tmp_path / f"light{suffix}", picture)


@pytest.mark.parametrize(("suffix", "side"), [(".jpg", 65_536), (".webp", 16_384)])
def test_a_side_too_long_for_the_format_is_refused(tmp_path, suffix, side):
    picture = Picture(pixels=np.zeros((1, side), np.uint8))
    with pytest.raises(ImageFileError, match=f"longer than {side - 1}"):
        check_writable(tmp_path / f"long{suffix}", picture)


def test_metadata_too_long_for_a_jpeg_are_refused(tmp_path, colour):
    picture = Picture(pixels=colour, metadata=Metadata(xmp=b"x" * 70_000))
    with pytest.raises(ImageFileError, match="XMP packet is longer"):
        write_picture(tmp_path / "tagged.jpg", picture)
    write_picture(tmp_path / "tagged.png", picture)
    assert read_picture(tmp_path / "tagged.png").metadata.xmp == picture.metadata.xmp


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_deeper_codes_are_rounded_to_8_bits(tmp_path, colour, suffix):
    deep = colour.astype(np.uint16) * np.uint16(257) + np.uint16(128)
    write_image(tmp_path / f"deep{suffix}", deep)
    write_image(tmp_path / f"rounded{suffix}", colour)
    names = (f"deep{suffix}", f"rounded{suffix}")
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1


def test_a_name_with_another_formats_ending_does_not_matter_to_reading(tmp_path, colour):
    write_image(tmp_path / "picture.png", colour)
    (tmp_path / "picture.png").rename(tmp_path / "picture.jpg")
    assert np.array_equal(read_image(tmp_path / "picture.jpg"), colour)

import pytest

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.mp3_header import find_mp3_header


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("num_channels", [1, 2])
def test_a_header_is_found_and_ends_where_the_sound_begins(
    rising_tone, write_mp3, sample_rate: int, num_channels: int
):
    path = write_mp3(rising_tone(3, sample_rate, num_channels), sample_rate)
    content = path.read_bytes()
    header = find_mp3_header(path)
    assert header is not None
    assert header.covers_file
    assert content[header.end : header.end + 2] == content[: header.end].lstrip(b"\0")[:2]
    assert not {b"Xing", b"Info"} & {content[at : at + 4] for at in range(header.end, len(content))}


def test_a_file_that_begins_with_sound_has_none(tmp_path, rising_tone, write_mp3):
    assert find_mp3_header(write_mp3(rising_tone(3, 44_100), 44_100, header=False)) is None
    (tmp_path / "text.mp3").write_text("no sound" * 1000)
    assert find_mp3_header(tmp_path / "text.mp3") is None


def test_a_tag_before_the_sound_is_passed_over(tmp_path, rising_tone, write_mp3):
    path = write_mp3(rising_tone(3, 44_100), 44_100)
    plain = find_mp3_header(path)
    # A tag of 300 bytes in "syncsafe" numbers, whose content looks like a frame.
    tag = b"ID3\4\0\0" + bytes([0, 0, 2, 44]) + (b"\xff\xfb\x90\x00" * 75)
    path.write_bytes(tag + path.read_bytes())
    tagged = find_mp3_header(path)
    assert tagged.end == plain.end + len(tag)
    assert probe(path).num_frames == 3 * 44_100


def test_two_recordings_in_one_file_are_both_read(tmp_path, rising_tone, write_mp3, capfd):
    path = write_mp3(rising_tone(10, 44_100), 44_100)
    content = path.read_bytes()
    path.write_bytes(content + content)
    assert not find_mp3_header(path).covers_file
    assert probe(path).num_frames == pytest.approx(20 * 44_100, abs=6 * 1152)


def test_an_intact_mp3_makes_the_decoder_say_nothing(rising_tone, write_mp3, capfd):
    probe(write_mp3(rising_tone(3, 44_100), 44_100))
    assert capfd.readouterr() == ("", "")

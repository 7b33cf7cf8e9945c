"""Checks bep52.json against libtorrent (Debian: python3-libtorrent): `python3 tests/vectors/bep52_libtorrent.py`."""

import json
import pathlib
import tempfile

import libtorrent

PIECE_BYTES = 2**20
NAME = "content"
VECTORS = pathlib.Path(__file__).with_name("bep52.json")


def root_of(length: int) -> str:
    """The `pieces root` that libtorrent puts into a torrent of version 2 for the content of that length."""
    with tempfile.TemporaryDirectory() as folder:
        content = bytes((167 * i + 31 * (i // 1024)) % 251 for i in range(length))
        pathlib.Path(folder, NAME).write_bytes(content)
        files = libtorrent.file_storage()
        files.add_file(NAME, length)
        torrent = libtorrent.create_torrent(files, PIECE_BYTES, libtorrent.create_torrent.v2_only)
        libtorrent.set_piece_hashes(torrent, folder)
        return torrent.generate()[b"info"][b"file tree"][NAME.encode()][b""][b"pieces root"].hex()


for file in json.loads(VECTORS.read_text())["files"]:
    if file["length"] > 0:
        assert root_of(file["length"]) == file["root"], file["length"]
print("libtorrent", libtorrent.version, "has the same roots")

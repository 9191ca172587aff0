"""Photos on a real S3 server: kept once, checked when read; troubles come with a remedy."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from fixtures import fake_reading
from fixtures.fake_reading import write_photo
from fixtures.servers import S3Server, free_port
from flows.arrivals import find_arrivals, take_in
from flows.pool import Engine, PhotoJob, ReadingPool
from flows.progress import LineReporter
from flows.run import Run
from flows.transient import is_transient
from models.errors import ErrorRecord
from models.store import s3_shelf
from models.store.errors import (
    BadEndpoint,
    BadPhotosUrl,
    BucketMissing,
    DriverMissing,
    PhotoAltered,
    PhotosRefused,
    PhotosUnreachable,
    StoreError,
)
from models.store.s3_shelf import S3Shelf
from models.store.shelf import FolderShelf, PhotoShelf
from models.store.shelves import open_shelf
from models.store.store import Store
from review.pictures import Pictures

BUCKET = "photos"
PLACE = f"s3://{BUCKET}/election/2024"
ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)


@pytest.fixture(scope="session")
def bucket(s3: S3Server) -> str:
    s3.make_bucket(BUCKET)
    return BUCKET


@pytest.fixture
def shelf(s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PhotoShelf]:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    s3_shelf._connect.cache_clear()
    yield open_shelf(f"s3://{bucket}/election/2024", Path())
    s3_shelf._connect.cache_clear()


@pytest.fixture
def keys(shelf: PhotoShelf) -> S3Store:  # noqa: ARG001 - sets the environment
    """The bucket itself, past the shelf."""
    return S3Store(BUCKET, client_options={"allow_http": True})


def photo(folder: Path, content: bytes = b"bytes") -> Path:
    path = folder / "photo.jpg"
    path.write_bytes(content)
    return path


def test_a_photo_is_kept_once_and_comes_back(
    shelf: PhotoShelf, keys: S3Store, tmp_path: Path
) -> None:
    content = b"kept once" * 1_000_000  # more than obstore sends in one part
    path = photo(tmp_path, content)
    with ThreadPoolExecutor(8) as threads:
        (kept,) = set(threads.map(shelf.keep, [path] * 16))
    assert (kept.sha256, kept.size_bytes, kept.path) == (
        hashlib.sha256(content).hexdigest(),
        len(content),
        None,
    )
    found = obstore.list(keys, prefix=f"election/2024/{kept.sha256[:2]}").collect()
    assert [one["path"] for one in found] == [f"election/2024/{kept.sha256[:2]}/{kept.sha256}"]
    with shelf.opened(kept.sha256) as file:
        assert file is not None
        assert file.read_bytes() == content
    assert not file.exists()
    with shelf.opened("0" * 64) as nothing:
        assert nothing is None
    assert shelf.place == PLACE


def test_two_writers_of_one_photo_at_the_same_moment_are_fine(
    shelf: PhotoShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photo(tmp_path, b"the other one was quicker")
    first = shelf.keep(path)
    monkeypatch.setattr(S3Shelf, "_size", lambda _self, _key: None)  # asked before the other wrote
    assert shelf.keep(path) == first


def test_an_altered_photo_is_never_shown(shelf: PhotoShelf, keys: S3Store, tmp_path: Path) -> None:
    kept = shelf.keep(photo(tmp_path, b"as it came in"))
    obstore.put(keys, f"election/2024/{kept.sha256[:2]}/{kept.sha256}", b"as somebody liked it")
    with pytest.raises(PhotoAltered, match="hash in its name"), shelf.opened(kept.sha256):
        pass
    folder = FolderShelf(tmp_path / "shelf")
    path = folder.keep(photo(tmp_path)).path
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"something else")
    with pytest.raises(PhotoAltered), folder.opened(path.stem):
        pass


def test_workers_read_from_the_bucket_and_a_run_needs_no_folder(
    shelf: PhotoShelf, tmp_path: Path
) -> None:
    for number in range(3):
        write_photo(tmp_path / "in" / f"321601200100{number}-2.jpg", salt=str(number))
    home = tmp_path / "home"
    with (
        Store.open(home, photos=PLACE) as store,
        ReadingPool(ENGINE, 1) as pool,
    ):
        run = Run(store, pool, LineReporter(print))
        run.read_all(find_arrivals([tmp_path / "in"]), 2, run.read)
        run.compare()
        summary = run.finish()
    assert (summary.photos, summary.pages_read) == (3, 3)
    assert not (home / "photos").exists()
    assert pickle.loads(pickle.dumps(shelf)) == shelf  # noqa: S301 - our own


def test_a_photo_that_is_gone_is_told_and_the_others_are_read(
    shelf: PhotoShelf, tmp_path: Path
) -> None:
    path = write_photo(tmp_path / "a.jpg")
    kept = shelf.keep(path)
    jobs = [PhotoJob("0" * 64, None, "gone.jpg", shelf), PhotoJob(kept.sha256, None, "a", shelf)]
    with ReadingPool(ENGINE, 1) as pool:
        pool.submit(jobs)
        outcomes = {job.name: outcome for job, outcome in pool.collect(jobs)}
    gone = outcomes["gone.jpg"]
    assert isinstance(gone, ErrorRecord)
    assert f"is not in {PLACE}" in gone.message
    assert not isinstance(outcomes["a"], ErrorRecord)


def test_the_room_shows_photos_from_the_bucket(shelf: PhotoShelf, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (60, 40), "white").save(tmp_path / "p.png")
    kept = shelf.keep(tmp_path / "p.png")
    pictures = Pictures(shelf)
    assert pictures.size(kept.sha256) == (60, 40)
    jpeg, size = pictures.whole(kept.sha256)
    assert (jpeg[:2], size) == (b"\xff\xd8", (60, 40))


# Trouble


@pytest.mark.usefixtures("shelf")
def test_a_bucket_that_is_not_there(tmp_path: Path) -> None:
    gone = S3Shelf("no-such-bucket")
    with pytest.raises(BucketMissing, match="no-such-bucket") as caught:
        gone.keep(photo(tmp_path))
    assert "CHASIL_PHOTOS" in caught.value.remedy
    assert not is_transient(caught.value)
    with pytest.raises(BucketMissing), gone.opened("0" * 64):
        pass


@pytest.mark.usefixtures("shelf")
def test_a_server_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    s3_shelf._connect.cache_clear()
    with pytest.raises(PhotosUnreachable) as caught:
        S3Shelf(BUCKET, patience=0.5).keep(photo(tmp_path))
    assert "AWS_ENDPOINT_URL" in caught.value.remedy
    assert is_transient(caught.value)
    with pytest.raises(StoreError, match=BUCKET):
        list(take_in(find_arrivals([tmp_path]), S3Shelf(BUCKET, patience=0.5)))


@pytest.mark.usefixtures("shelf")
def test_a_server_that_comes_back_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = S3Server(free_port())
    monkeypatch.setenv("AWS_ENDPOINT_URL", late.environment["AWS_ENDPOINT_URL"])
    s3_shelf._connect.cache_clear()
    with ThreadPoolExecutor(1) as threads:
        kept = threads.submit(S3Shelf("later").keep, photo(tmp_path))
        late.start()
        try:
            with pytest.raises(BucketMissing):  # it answers: it was waited for
                kept.result()
            late.make_bucket("later")
            assert S3Shelf("later").keep(photo(tmp_path)).size_bytes == 5
        finally:
            late.stop()


def test_a_key_that_is_not_let_in(
    shelf: PhotoShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    s3_shelf._connect.cache_clear()
    with pytest.raises(PhotosRefused, match="AWS_ACCESS_KEY_ID is not set"):
        shelf.keep(photo(tmp_path))


def test_a_key_that_the_server_does_not_know(
    s3: S3Server, shelf: PhotoShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = shelf.keep(photo(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODY")
    s3_shelf._connect.cache_clear()
    s3.check_keys()
    try:
        with pytest.raises(PhotosRefused, match="403") as caught:
            shelf.keep(photo(tmp_path))
        with pytest.raises(PhotosRefused), shelf.opened(kept.sha256):
            pass
    finally:
        s3.check_keys(False)
    assert "s3:PutObject" in caught.value.remedy
    assert "test" not in caught.value.message.replace(str(tmp_path), "")  # the secret
    assert not is_transient(caught.value)


class Answers(BaseHTTPRequestHandler):
    """A server that says the same to everybody."""

    status = 200
    asked = 0

    def do_HEAD(self) -> None:
        type(self).asked += 1
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("status", "expected"),
    # Another region; a key that has expired; what passes is asked again.
    [(301, PhotosRefused), (400, PhotosRefused), (503, PhotosUnreachable)],
)
def test_only_what_may_pass_is_asked_again(
    status: int, expected: type[StoreError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Handler(Answers):
        pass

    Handler.status = status
    with HTTPServer(("127.0.0.1", 0), Handler) as server, ThreadPoolExecutor(1) as threads:
        threads.submit(server.serve_forever)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        s3_shelf._connect.cache_clear()
        with pytest.raises(expected) as caught:
            S3Shelf(BUCKET, patience=0.5).keep(photo(tmp_path))
        server.shutdown()
    passes = expected is PhotosUnreachable
    assert is_transient(caught.value) == passes
    assert (Handler.asked > 1) == passes


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "http://", "ftp://s3.example", "h ttp://x"])
def test_an_endpoint_that_is_no_address(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    s3_shelf._connect.cache_clear()
    with pytest.raises(BadEndpoint, match="AWS_ENDPOINT_URL") as caught:
        S3Shelf(BUCKET).keep(photo(tmp_path))
    assert "http://HOST:PORT" in caught.value.remedy


@pytest.mark.parametrize(
    "url", ["/mnt/photos", "gs://bucket", "s3://", "s3://key:secret@bucket", "s3://bucket?x=1"]
)
def test_a_url_that_names_no_bucket(url: str) -> None:
    with pytest.raises(BadPhotosUrl) as caught:
        open_shelf(url, Path())
    assert "s3://BUCKET" in caught.value.remedy
    assert "secret" not in caught.value.message


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "models.store.s3_shelf")
    with pytest.raises(DriverMissing, match="obstore") as caught:
        open_shelf("s3://bucket", Path())
    assert "chasil[s3]" in caught.value.remedy

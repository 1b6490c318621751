"""The same server on PostgreSQL and a bucket: only settings change."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import BotoCoreError
from tests.running_server import RunningServer
from tests.spoken import SENTENCES, archive, spoken

from tympan.testing.tiny_whisper import write_tiny_whisper

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(300)]

ACCOUNT = {"aws_access_key_id": "id", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
LOCALE = ("--locale", "en-US")


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    """The address of an S3 server with the bucket ``tympan``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with (tmp_path / "moto.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **ACCOUNT)
    until = time.monotonic() + 60
    while True:
        try:
            client.create_bucket(Bucket="tympan")
            break
        except BotoCoreError:
            assert time.monotonic() < until, (tmp_path / "moto.log").read_text()
            time.sleep(0.2)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(20)


def test_the_loop_runs_on_postgresql_and_a_bucket(tmp_path: Path, postgres_server, bucket: str) -> None:
    options = {
        "endpoint": bucket,
        "region": "us-east-1",
        "access_key_id": "id",
        "secret_access_key": "secret",
    }
    server = RunningServer(
        tmp_path / "data",
        database_url=postgres_server.new_database(),
        jobs_database_url=postgres_server.new_database(),
        blob_url="s3://tympan/speech",
        blob_options=json.dumps(options),
        engine_compute_type="float32",
    )
    server.start()
    try:
        server.tympan("base-model", "import", write_tiny_whisper(tmp_path / "tiny"), *LOCALE)
        found = server.tympan("base-model", "list", *LOCALE)
        base = next(model["self"] for model in found if model["displayName"].endswith("whisper-tiny"))
        base_id = base.rsplit("/", 1)[-1]
        (tmp_path / "train.zip").write_bytes(archive({f"{n}.wav": t for n, t in enumerate(SENTENCES)}))
        server.tympan("dataset", "create", "train", tmp_path / "train.zip", "--kind", "acoustic", *LOCALE)
        model = server.tympan("model", "train", "custom", "--dataset", "train", "--base", base_id, *LOCALE)
        assert model["status"] == "Succeeded"
        # Random weights can get no better; their gate may say so, and the owner may overrule it.
        if server.tympan("model", "show", "custom")["tympan"]["summary"]["gate"] == "failed":
            assert server.run("endpoint", "create", "phone", "--model", "custom", *LOCALE).returncode
            done = server.run("model", "approve", "custom", "--reason", "To see it served.")
            assert done.returncode == 0, done.stderr
        server.tympan("endpoint", "create", "phone", "--model", "custom", *LOCALE)
        endpoint = server.tympan("endpoint", "show", "phone")["self"].rsplit("/", 1)[-1]
        answer = server.recognise(endpoint, spoken(SENTENCES[0]))
        assert answer.status_code == 200, answer.text
    finally:
        server.close()
    kept = boto3.client("s3", endpoint_url=bucket, **ACCOUNT).list_objects_v2(
        Bucket="tympan", Prefix="speech/"
    )
    assert kept["KeyCount"] > len(SENTENCES)
    assert not (tmp_path / "data" / "app.db").exists()
    assert not (tmp_path / "data" / "blobs").exists()

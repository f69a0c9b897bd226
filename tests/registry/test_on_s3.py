"""A registry on S3: by conditional put where the server has it, elsewhere under a lease."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from intentflow.errors import ServiceError
from intentflow.registry import Registry
from intentflow.registry.changes import deployed
from intentflow.storage.lease import Lease
from intentflow.storage.s3_objects import S3Objects, VersionedStore
from intentflow.storage.uris import S3Location
from tests.registry.entries import SERVICE, model
from tests.registry.processes import lost_moves, move_at_once, mover

pytestmark = pytest.mark.real


def test_a_server_with_conditional_put_proves_it(moto_bucket: str) -> None:
    assert S3Objects(S3Location(moto_bucket, "registry")).has_conditional_put


def test_a_server_without_conditional_put_does_not(s3_bucket: str) -> None:
    assert not S3Objects(S3Location(s3_bucket, "registry")).has_conditional_put


@pytest.mark.parametrize("kind", ["moto_bucket", "s3_bucket"])
def test_the_probe_leaves_nothing(kind: str, request: pytest.FixtureRequest) -> None:
    root = S3Location(request.getfixturevalue(kind), "registry")
    _ = S3Objects(root).has_conditional_put
    assert VersionedStore().below(root) == {}


@pytest.mark.parametrize(("kind", "count"), [("moto_bucket", 10), ("s3_bucket", 2)])
def test_no_move_of_processes_at_once_is_lost(
    kind: str, count: int, request: pytest.FixtureRequest
) -> None:
    place = f"s3://{request.getfixturevalue(kind)}/registry"
    models = move_at_once(place, processes=4, count=count)
    assert lost_moves(place, models, count=count) == []


def test_a_change_under_a_lease_leaves_no_claim(s3_bucket: str) -> None:
    place = S3Location(s3_bucket, "registry")
    registry = Registry(str(place))
    registry.move(SERVICE, deployed(model(registry)), reason="deploy")
    assert [name for name in VersionedStore().below(place) if name.startswith("leases/")] == []


def test_what_a_process_held_that_was_killed_expires(s3_bucket: str) -> None:
    store, place = VersionedStore(), S3Location(s3_bucket, "lease")
    Lease(store, place, seconds=4).__enter__()  # and its process is gone
    began = time.monotonic()
    with Lease(store, place, seconds=4, wait_seconds=30):
        waited = time.monotonic() - began
    assert 1 < waited < 20


def test_a_lease_that_others_hold_for_too_long_is_reported(s3_bucket: str) -> None:
    store, place = VersionedStore(), S3Location(s3_bucket, "lease")
    with Lease(store, place):
        with pytest.raises(ServiceError, match="other processes held it for 1 s"):
            Lease(store, place, wait_seconds=1).__enter__()
        assert len(store.below(place)) == 1


def test_a_process_that_was_paused_for_too_long_writes_nothing(s3_bucket: str) -> None:
    with Lease(VersionedStore(), S3Location(s3_bucket, "lease"), seconds=0.4) as lease:
        time.sleep(0.4)
        with pytest.raises(ServiceError, match="was paused for"):
            lease.require_held()


def test_a_process_that_was_killed_leaves_a_registry_that_can_be_read(moto_bucket: str) -> None:
    place = f"s3://{moto_bucket}/registry"
    models = [model(Registry(place), number) for number in (1, 2)]
    process = mover(place, 100_000, models)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    done = sum(1 for _ in zip(range(10), process.stdout, strict=False))
    process.kill()
    process.communicate()
    listing = Registry(place).listing()
    assert (listing.damaged, len(listing.aliases[SERVICE].moves) >= done) == ((), True)


def test_the_same_registry_is_read_from_a_folder_and_from_s3(
    tmp_path: Path, s3_bucket: str
) -> None:
    places = [str(tmp_path / "registry"), f"s3://{s3_bucket}/registry"]
    listings = []
    for place in places:
        registry = Registry(place)
        registry.move(SERVICE, deployed(model(registry)), reason="deploy")
        listings.append(registry.listing())
    assert dict(listings[0].entries) == dict(listings[1].entries)
    assert listings[0].aliases[SERVICE].current == listings[1].aliases[SERVICE].current

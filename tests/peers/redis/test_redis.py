import pytest
from redis import Redis as Client
from redis.exceptions import AuthenticationError

from tests.peers.redis import Redis, running_redis
from tests.peers.starting import LOOPBACK, accepts, throwaway_folder

pytestmark = pytest.mark.peers


def test_it_is_redis_7_and_pops_in_order(redis: Redis) -> None:
    with Client.from_url(redis.url, decode_responses=True) as client:
        assert client.info("server")["redis_version"].startswith("7.")
        client.rpush("queue", "first", "second")
        assert client.brpop("queue", timeout=1) == ("queue", "second")
        client.delete("queue")


def test_without_its_password_it_tells_nothing(redis: Redis) -> None:
    with Client(LOOPBACK, redis.port) as client, pytest.raises(AuthenticationError):
        client.info()


def test_it_leaves_nothing_behind() -> None:
    with throwaway_folder() as folder:
        with running_redis(folder) as address:
            assert accepts(address.port)
        assert not accepts(address.port)
    assert not folder.exists()

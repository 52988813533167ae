import psycopg
import pytest

from tests.peers.postgresql import Postgresql, running_postgresql
from tests.peers.starting import accepts, throwaway_folder

pytestmark = pytest.mark.peers


def test_it_is_postgresql_15_with_an_empty_database(postgresql: Postgresql) -> None:
    with psycopg.connect(postgresql.url) as connection:
        assert connection.info.server_version // 10000 == 15
        assert connection.execute("SELECT current_database(), current_user").fetchone() == ("maia", "maia")
        assert connection.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone() == (0,)


def test_a_wrong_password_is_refused(postgresql: Postgresql) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgresql.url.replace(postgresql.password, "wrong"))


def test_it_leaves_nothing_behind_even_while_a_client_is_connected() -> None:
    with throwaway_folder() as folder:
        with running_postgresql(folder) as address:
            connection = psycopg.connect(address.url)
        assert not accepts(address.port)
        connection.close()
    assert not folder.exists()

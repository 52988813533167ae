"""What a person may see that fits some words: one query a kind of thing, a few hits of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from apps.accounts.access import visible_people
from apps.accounts.models import User
from apps.archives.models import Series, Study
from apps.clusters.access import visible_clusters
from apps.core.lists import Row, holding
from apps.dashboard.places import places_of
from apps.jobs.badges import badge_of
from apps.jobs.models import Run
from apps.jobs.selectors import algorithms
from apps.projects.access import visible_projects
from apps.projects.models import Membership, Project
from apps.registrations.access import has_console, own_of, visible_to
from apps.registrations.links import path_of

HITS_A_GROUP = 5
FEWEST_LETTERS = 2
MOST_WORDS = 5


@dataclass(frozen=True)
class Hit:
    title: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class Group:
    title: str
    icon: str
    hits: list[Hit]
    more_url: str = ""  # the list of all that fits, when there are more than these hits and such a page


@dataclass(frozen=True)
class Words:
    """What is searched: a hit holds each of the words."""

    words: list[str]

    @classmethod
    def of(cls, text: str) -> "Words":
        words = text.split()[:MOST_WORDS]
        return cls(words if len("".join(words)) >= FEWEST_LETTERS else [])

    def are_in(self, text: str) -> bool:
        return all(word.casefold() in text.casefold() for word in self.words)

    def narrow(self, rows: QuerySet[Row], *fields: str) -> list[Row]:
        """One row more than are shown, so that it is known whether there are more."""
        return list(holding(rows, self.words, *fields)[: HITS_A_GROUP + 1])

    def query(self) -> str:
        return urlencode({"q": " ".join(self.words)})


def found(user: User, text: str) -> list[Group]:
    """Groups with at least one hit; none for fewer than FEWEST_LETTERS letters."""
    words = Words.of(text)
    return [group for group in _groups(user, words) if group.hits] if words.words else []


def _groups(user: User, words: Words) -> Iterator[Group]:
    projects = visible_projects(user)
    yield Group(
        "Pages", "file", [Hit(place.title, place.url) for place in places_of(user) if words.are_in(place.title)]
    )
    yield _projects(projects, words)
    yield _studies(projects, words)
    yield _series(projects, words)
    yield _runs(projects, words)
    yield _algorithms(words)
    yield _clusters(user, words)
    yield _own_requests(user, words)
    if has_console(user):
        yield _requests(user, words)
    yield _people(user, words) if user.may_look else _members(projects, words)


def _projects(projects: QuerySet[Project], words: Words) -> Group:
    rows = words.narrow(projects, "name", "namespace")
    hits = [Hit(row.name, _of("dashboard:project", row.namespace), row.namespace) for row in rows]
    return _group("Projects", "folder", hits)


def _studies(projects: QuerySet[Project], words: Words) -> Group:
    """By description: what else the index has of a study is of its patient."""
    rows = Study.objects.filter(archive__project__in=projects.order_by()).select_related("archive__project")
    hits = [
        Hit(
            row.study_description,
            _of("datasets:study", row.archive.project.namespace, study_instance_uid=row.study_instance_uid),
            row.archive.project.name,
        )
        for row in words.narrow(rows.order_by("-pk"), "study_description")
    ]
    return _group("Studies", "photo", hits)


def _series(projects: QuerySet[Project], words: Words) -> Group:
    rows = Series.objects.filter(archive__project__in=projects.order_by()).select_related("archive__project")
    hits = [
        Hit(
            row.series_description,
            _of("datasets:series", row.archive.project.namespace, series_instance_uid=row.series_instance_uid),
            f"{row.modality}, {row.archive.project.name}",
        )
        for row in words.narrow(rows.order_by("-pk"), "series_description")
    ]
    return _group("Series", "photo", hits)


def _runs(projects: QuerySet[Project], words: Words) -> Group:
    rows = Run.objects.filter(project__in=projects.order_by()).select_related("algorithm", "project")
    hits = [
        Hit(
            f"Run {row.pk}, {row.algorithm.title}",
            _of("jobs:run", row.project.namespace, pk=row.pk),
            f"{badge_of(row).word}, {row.project.name}",
        )
        for row in words.narrow(rows.defer("gate_report").order_by("-pk"), "algorithm__title", "project__name", "pk")
    ]
    return _group("Runs", "player-play", hits)


def _algorithms(words: Words) -> Group:
    address = reverse("jobs:algorithms")
    rows = words.narrow(algorithms(), "title", "name")
    return _group("Algorithms", "code", [Hit(row.title, address, f"version {row.version}") for row in rows])


def _clusters(user: User, words: Words) -> Group:
    rows = words.narrow(visible_clusters(user).order_by("name"), "name")
    return _group("Clusters", "server-2", [Hit(row.name, reverse("clusters:cluster", args=[row.name])) for row in rows])


def _requests(user: User, words: Words) -> Group:
    rows = words.narrow(visible_to(user).order_by("-pk"), "project_name", "namespace", "name", "email")
    hits = [
        Hit(
            row.title,
            reverse("registrations:approval", args=[row.pk]),
            f"{row.badge.word}, {row.name}",
        )
        for row in rows
    ]
    return _group("Requests", "checkbox", hits, f"{reverse('registrations:approvals')}?status=&{words.query()}")


def _own_requests(user: User, words: Words) -> Group:
    rows = words.narrow(own_of(user).select_related("project", "joins").order_by("-pk"), "project_name", "namespace")
    return _group("Your requests", "mail", [Hit(row.title, path_of(row), row.badge.word) for row in rows])


def _members(projects: QuerySet[Project], words: Words) -> Group:
    """Who is in a project is seen by everybody in it."""
    rows = Membership.objects.filter(project__in=projects.order_by()).select_related("user", "project")
    hits = [
        Hit(
            row.user.name,
            f"{_of('members:members', row.project.namespace)}?{urlencode({'q': row.user.email})}",
            f"{row.get_role_display()} of {row.project.name}",
        )
        for row in words.narrow(rows.order_by("user__name", "pk"), "user__name", "user__email")
    ]
    return _group("Members", "users", hits)


def _people(user: User, words: Words) -> Group:
    rows = words.narrow(visible_people(user), "name", "email")
    hits = [Hit(row.name, reverse("people:person", args=[row.pk]), row.email) for row in rows]
    return _group("People", "users", hits, f"{reverse('people:people')}?{words.query()}")


def _group(title: str, icon: str, hits: list[Hit], more_url: str = "") -> Group:
    return Group(title, icon, hits[:HITS_A_GROUP], more_url if len(hits) > HITS_A_GROUP else "")


def _of(page: str, namespace: str, **parts: object) -> str:
    return reverse(page, kwargs={"namespace": namespace, **parts})

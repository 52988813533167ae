"""Stories of requests, members and a project's life on the deployed portal, without JavaScript, signed in at Keycloak.

After each, Keycloak and the cluster themselves are asked what has come of it.
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import stories
from tests.browser.steps import INVITATION_LINK, approve, confirm_address, open_request, register
from tests.peers import steps
from tests.peers.deployed import ADMINISTRATOR, Deployed
from tests.peers.portal_work import add_member, delete_projects, in_portal, open_project
from tests.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.browser, pytest.mark.timeout(1800)]
TAG = uuid.uuid4().hex[:8]  # the servers, and so their mailboxes and namespaces, may be others' as well
DOMAIN = f"{TAG}.example"
ANNA, NORA, LEA = (f"{name}@{DOMAIN}" for name in ("anna", "nora", "lea"))
STUDENT = f"student7@{DOMAIN}"
COURSE = [f"student{number}@{DOMAIN},member,Student {number}" for number in range(40)]
SHARED, SHARED_NAME = f"shared-{TAG}", f"Shared {TAG}"
SHORT, SHORT_NAME = f"short-{TAG}", f"Short {TAG}"
REJECTED, WITHDRAWN, CHANGED = (f"{what}-{TAG}" for what in ("rejected", "withdrawn", "changed"))
WORKSPACE = """
    SELECT workspace.id FROM workspaces_workspace workspace
    JOIN projects_project project ON project.id = workspace.project_id AND project.namespace = %s
    JOIN accounts_user person ON person.id = workspace.user_id AND person.email = %s
"""
SECONDS = 240


class Stage:
    """Each person's own browser, and what is there behind the portal."""

    def __init__(self, deployed: Deployed, chromium: Browser) -> None:
        self.deployed = deployed
        self._chromium = chromium
        self._contexts: list[BrowserContext] = []
        self._known: dict[str, Page] = {}

    def stranger(self) -> Page:
        context = self._chromium.new_context(base_url=self.deployed.nginx.url, java_script_enabled=False)
        context.set_default_timeout(30_000)
        self._contexts.append(context)
        return context.new_page()

    def known(self, email: str) -> Page:
        """Of somebody who has signed in at Keycloak, once for all stories."""
        if email not in self._known:
            self._known[email] = self.stranger()
            steps.sign_in_at_keycloak(self._known[email], email)
        return self._known[email]

    def welcome(self, page: Page, email: str, namespace: str) -> None:
        """Keycloak's mail leads to a password, and that to the project."""
        steps.accept_invitation(page, self.deployed.link_at_keycloak(email, steps.INVITATION))
        steps.sign_in_at_keycloak(page, email)
        assert page.request.get(f"/projects/{namespace}/").ok

    def groups(self, namespace: str) -> dict[str, str]:
        """Which of the project's groups people are in at Keycloak: its end (`:owner`, none for members) by e-mail."""
        found = {}
        for group in self._groups_named(namespace):
            for person in self.deployed.realm.as_administrator("GET", f"/groups/{group['id']}/members").json():
                found[person["email"]] = group["name"].removeprefix(f"MAIA:{namespace}")
        return found

    def has_groups(self, namespace: str) -> bool:
        return bool(self._groups_named(namespace))

    def _groups_named(self, namespace: str) -> list[dict[str, str]]:
        found = self.deployed.realm.as_administrator("GET", f"/groups?search=MAIA:{namespace}").json()
        return [group for group in found if group["name"].split(":")[1] == namespace]

    def has_namespace(self, namespace: str) -> bool:
        return bool(self.deployed.servers.kubernetes.kubectl("get", "namespace", namespace, "--ignore-not-found"))

    def pods_wished(self, namespace: str) -> dict[str, int]:
        """By what they are: `orthanc`, `workspace`."""
        found: dict[str, int] = {}
        for one in self.deployed.servers.kubernetes.read("deployments,statefulsets", "-n", namespace)["items"]:
            kind = one["metadata"]["labels"]["app.kubernetes.io/name"]
            found[kind] = found.get(kind, 0) + one["spec"]["replicas"]
        return found

    def has_workspace(self, namespace: str, email: str) -> bool:
        """Whether this person's is on the cluster."""
        ask = ("get", "statefulset", "-n", namespace, "--ignore-not-found")
        names = [f"workspace-{pk}" for (pk,) in self.deployed.rows(WORKSPACE, namespace, email)]
        return any(self.deployed.servers.kubernetes.kubectl(*ask, name) for name in names)

    def value(self, query: str, *parameters: object) -> object:
        ((value,),) = self.deployed.rows(query, *parameters)
        return value

    def await_ready(self, namespace: str) -> None:
        status = "SELECT status FROM projects_project WHERE namespace = %s"
        wait_until(lambda: self.value(status, namespace) == "ready", SECONDS)

    def close(self) -> None:
        """The cluster has room for other tests' projects again."""
        for context in self._contexts:
            context.close()
        in_portal(self.deployed.portal, delete_projects, ADMINISTRATOR, SHARED, SHORT, CHANGED)


@pytest.fixture(scope="module")
def stage(deployed: Deployed, browser: Browser) -> Iterator[Stage]:
    """An administrator and owners of two projects, which are being set up meanwhile."""
    deployed.add_administrator(ANNA, steps.PASSWORD)
    for namespace, email, name in ((SHARED, NORA, "Nora Ek"), (SHORT, LEA, "Lea Holm")):
        deployed.realm.add_person(email, steps.PASSWORD, name=name)
        in_portal(deployed.portal, open_project, namespace, email, name)
    stage = Stage(deployed, browser)
    yield stage
    stage.close()


def request_for(stage: Stage, namespace: str) -> tuple[Page, Page]:
    """Ida's browser, where her request waits on its private page, and Anna's, where it is open."""
    email = f"{namespace}@{DOMAIN}"
    ida, anna = stage.stranger(), stage.known(ANNA)
    register(ida, email, namespace)
    confirm_address(stage.deployed, ida, email)
    open_request(anna, namespace)
    return ida, anna


def reload_until(page: Page, text: str) -> None:
    def is_there() -> bool:
        page.reload()
        return text in page.get_by_role("main").inner_text()

    wait_until(is_there, SECONDS)


def assert_nothing_was_made(stage: Stage, namespace: str) -> None:
    assert not stage.has_namespace(namespace)
    assert not stage.has_groups(namespace)


def test_rejected(stage: Stage) -> None:
    ida, anna = request_for(stage, REJECTED)
    stories.reject(anna, "No ethics approval.")
    ida.reload()
    expect(ida.get_by_role("main")).to_contain_text("No ethics approval.")
    expect(ida.get_by_role("link", name="Register another project")).to_be_visible()
    assert_nothing_was_made(stage, REJECTED)


def test_withdrawn(stage: Stage) -> None:
    ida, anna = request_for(stage, WITHDRAWN)
    stories.withdraw(ida)
    stories.approve_too_late(anna)
    assert_nothing_was_made(stage, WITHDRAWN)


def test_expired(stage: Stage) -> None:
    email = f"jonas-late@{DOMAIN}"
    jonas = stage.stranger()
    stories.ask_to_join(jonas, email, SHORT)
    confirm_address(stage.deployed, jonas, email, decider="An owner of the project")
    long_ago = datetime.now(UTC) - timedelta(days=61)
    change = "UPDATE registrations_registration SET status_changed_at = %s WHERE email = %s RETURNING 1"
    stage.value(change, long_ago, email)
    reload_until(jonas, "The request expired")
    expect(jonas.get_by_role("link", name="Register again")).to_be_visible()
    assert email not in stage.groups(SHORT)


def test_asked_for_changes_edited_approved(stage: Stage) -> None:
    email = f"{CHANGED}@{DOMAIN}"
    ida, anna = request_for(stage, CHANGED)
    stories.send_back(anna, "Name the ethics approval, please.")
    ida.reload()
    expect(ida.get_by_role("main")).to_contain_text("Name the ethics approval, please.")
    stories.edit_request(ida)
    approve(anna, CHANGED, GPUs="1")
    reload_until(ida, "Open the project")
    stage.welcome(ida, email, CHANGED)
    assert stage.groups(CHANGED) == {email: ":owner"}
    quota = stage.deployed.servers.kubernetes.read("resourcequota", "project", "-n", CHANGED)
    assert quota["spec"]["hard"]["requests.nvidia.com/gpu"] == "1"


def test_joining_an_existing_project(stage: Stage) -> None:
    email = f"jonas@{DOMAIN}"
    jonas, nora = stage.stranger(), stage.known(NORA)
    stories.ask_to_join(jonas, email, SHARED)
    confirm_address(stage.deployed, jonas, email, decider="An owner of the project")
    stories.admit_as_member(nora, stage.deployed.link_to(NORA, r"/approvals/\d+/"))
    reload_until(jonas, "Open the project")
    stage.welcome(jonas, email, SHARED)
    assert stage.groups(SHARED)[email] == ""
    assert stage.has_workspace(SHARED, email)


def test_a_course_of_40_is_invited_and_one_of_them_joins(stage: Stage) -> None:
    nora, student = stage.known(NORA), stage.stranger()
    stage.await_ready(SHARED)
    stories.invite_many(nora, SHARED, COURSE, people=40)
    stories.accept_invitation(student, stage.deployed.link_to(STUDENT, INVITATION_LINK), "Student 7")
    expect(student.get_by_text("Sign in with Keycloak")).to_be_visible()
    stage.welcome(student, STUDENT, SHARED)
    stories.see_who_accepted(nora, SHARED, STUDENT)
    wait_until(lambda: stage.groups(SHARED).get(STUDENT) == "", SECONDS)


def test_an_owner_hands_over_and_leaves(stage: Stage) -> None:
    for namespace in (SHARED, SHORT):
        stage.await_ready(namespace)
    in_portal(stage.deployed.portal, add_member, SHARED, LEA)
    nora, lea = stage.known(NORA), stage.known(LEA)
    assert stage.has_workspace(SHARED, NORA)
    stories.hand_over(nora, SHARED, "Lea Holm")
    stories.leave(nora, SHARED, SHARED_NAME)
    wait_until(lambda: stage.groups(SHARED).get(LEA) == ":owner" and NORA not in stage.groups(SHARED), SECONDS)
    wait_until(lambda: not stage.has_workspace(SHARED, NORA), SECONDS)
    lea.goto(f"/projects/{SHARED}/members/")
    expect(lea.get_by_label("Role of Lea Holm", exact=True)).to_have_value("owner")
    assert nora.request.get(f"/projects/{SHARED}/").status == 404


def test_more_time_is_asked_for_and_given(stage: Stage) -> None:
    ends_on = "SELECT ends_on FROM projects_project WHERE namespace = %s"
    later = datetime.now(UTC).date() + timedelta(days=500)
    stage.await_ready(SHORT)
    stories.ask_for_more_time(stage.known(LEA), SHORT, later)
    stories.grant_more_time(stage.known(ANNA), SHORT_NAME)
    assert stage.value(ends_on, SHORT) == later


def test_suspended_archived_deleted_and_undone(stage: Stage) -> None:
    lea, anna = stage.known(LEA), stage.known(ANNA)
    stage.await_ready(SHORT)
    awake, asleep = {"orthanc": 1, "workspace": 1}, {"orthanc": 0, "workspace": 0}
    stories.suspend(anna, SHORT)
    expect_pods(stage, asleep)
    stories.resume(anna, SHORT)
    expect_pods(stage, awake)
    stories.archive(lea, SHORT)
    expect_pods(stage, {"orthanc": 1})
    stories.restore(anna, SHORT)
    expect_pods(stage, awake)
    stories.schedule_deletion(lea, SHORT)
    expect_pods(stage, asleep)
    stories.undo_deletion(lea, SHORT, SHORT_NAME)
    expect_pods(stage, awake)


def expect_pods(stage: Stage, wished: dict[str, int]) -> None:
    wait_until(lambda: stage.pods_wished(SHORT) == wished, SECONDS)


def test_deleted_nothing_of_it_is_left(stage: Stage) -> None:
    lea, anna = stage.known(LEA), stage.known(ANNA)
    stage.await_ready(SHORT)
    assert stage.has_groups(SHORT)
    stories.schedule_deletion(lea, SHORT)
    stage.value("UPDATE projects_project SET delete_at = now() WHERE namespace = %s RETURNING 1", SHORT)
    status = "SELECT status FROM projects_project WHERE namespace = %s"
    wait_until(lambda: stage.value(status, SHORT) == "deleted", SECONDS)
    stories.expect_deleted(lea, anna, SHORT, SHORT_NAME)
    assert_nothing_was_made(stage, SHORT)

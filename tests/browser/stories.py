"""What people do in the stories of requests, members and a project's life: the same steps wherever the portal runs."""

import re
from collections.abc import Sequence
from datetime import date

from playwright.sync_api import Page, expect

COLUMNS = "email,role,name"


def ask_to_join(page: Page, email: str, namespace: str) -> None:
    page.goto("/register/")
    page.get_by_role("link", name="An existing project").click()
    answers = {
        "Your name": "Jonas Lind",
        "E-mail address": email,
        "Affiliation": "Lund University",
        "Position": "Radiologist",
        "Purpose": "Reading the second site.",
        "Namespace of the project": namespace,
    }
    for label, value in answers.items():
        page.get_by_role("main").get_by_label(label, exact=True).fill(value)
    page.get_by_label("look at images and results", exact=True).check()
    page.get_by_label("I accept the terms").check()
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")


def admit_as_member(page: Page, link: str) -> None:
    """Jonas asked for less than he gets."""
    page.goto(link)
    expect(page.get_by_role("main")).to_contain_text("as viewer")
    page.get_by_label("Role").select_option("member")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("main")).to_contain_text("The requester is in the project")


def send_back(page: Page, message: str) -> None:
    page.get_by_text("Ask for changes").click()
    page.get_by_label("What has to change, or your question").fill(message)
    page.get_by_role("button", name="Send back to Ida Berg").click()


def edit_request(page: Page) -> None:
    """What is asked for is added; an environment file that is no good is mended first."""
    page.get_by_role("link", name="Edit the request").click()
    page.get_by_label("Ethics approval").fill("2026-01234-01")
    page.get_by_label("Or its content").fill("--index-url https://evil.example\nnumpy")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("main")).to_contain_text("Line 1 names a place to get packages from")
    page.get_by_label("Or its content").fill("numpy>=2.1")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("main")).to_contain_text("numpy>=2.1")


def reject(page: Page, reason: str) -> None:
    page.get_by_text("Reject", exact=True).click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Reject the request").click()
    expect(page.get_by_role("main")).to_contain_text("Rejected. The requester gets the reason by mail.")


def withdraw(page: Page) -> None:
    page.get_by_role("button", name="Withdraw the request").click()
    expect(page.get_by_role("main")).to_contain_text("You took the request back")


def approve_too_late(page: Page) -> None:
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("main")).to_contain_text("Already withdrawn by Ida Berg")


def invite_many(page: Page, namespace: str, lines: Sequence[str], *, people: int, left_out: int = 0) -> None:
    """By a pasted list, looked through before it is sent."""
    page.goto(f"/projects/{namespace}/")
    page.get_by_label("Navigation").get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Invite many").first.click()
    page.get_by_label("People, one a line").fill("\n".join([COLUMNS, *lines]))
    page.get_by_role("button", name="Look through the list").click()
    if left_out:
        expect(page.get_by_text(f"{people} to be invited, {left_out} left out")).to_be_visible()
        expect(page.get_by_text("This is no e-mail address.")).to_be_visible()
        expect(page.get_by_text("Is in the project already.")).to_be_visible()
    page.get_by_role("button", name=f"Invite {people} people").click()
    expect(page.get_by_text(f"{people} people are invited.")).to_be_visible()
    expect(page.get_by_text("Waits for an answer")).to_have_count(people + 1)  # and the filter's choice


def accept_invitation(page: Page, link: str, name: str) -> None:
    page.goto(link)
    expect(page.get_by_text("invites you to be a member of this project")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value(name)
    page.get_by_label("Affiliation").fill("Uppsala University")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Accept").click()


def see_who_accepted(page: Page, namespace: str, email: str) -> None:
    page.goto(f"/projects/{namespace}/members/?q={email}")
    expect(page.get_by_role("row", name=re.compile(email))).to_be_visible()
    page.goto(f"/projects/{namespace}/members/invitations/?q={email}")
    expect(page.get_by_role("main").get_by_role("cell", name="Accepted")).to_be_visible()


def hand_over(page: Page, namespace: str, name: str) -> None:
    page.goto(f"/projects/{namespace}/members/")
    page.get_by_role("link", name=f"Hand the project over to {name}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Hand the project over to {name}?")
    page.get_by_role("button", name="Hand over").click()
    expect(page.get_by_text(f"{name} is an owner now, and you are a member.")).to_be_visible()


def leave(page: Page, namespace: str, project_name: str) -> None:
    page.goto(f"/projects/{namespace}/members/")
    page.get_by_role("link", name="Leave the project").click()
    page.get_by_role("button", name="Leave the project").click()
    expect(page.get_by_text(f"You have left {project_name}.")).to_be_visible()


def open_settings(page: Page, namespace: str, state: str) -> None:
    page.goto(f"/projects/{namespace}/settings/")
    expect(page.get_by_role("main").locator(".state").first).to_have_text(state)


def ask_for_more_time(page: Page, namespace: str, later: date) -> None:
    page.goto(f"/projects/{namespace}/")
    page.get_by_label("Navigation").get_by_role("link", name="Settings").click()
    page.get_by_text("Ask for more time").click()
    page.get_by_label("New last day").fill(str(later))
    page.get_by_label("Why").fill("Two more scanners take part.")
    page.get_by_role("button", name="Ask the approvers").click()
    expect(page.get_by_text("the answer comes by mail")).to_be_visible()
    expect(page.get_by_role("button", name="Withdraw the request")).to_be_visible()


def grant_more_time(page: Page, project_name: str) -> None:
    page.goto("/approvals/")
    page.get_by_role("link", name="More time").click()
    page.get_by_role("link", name=project_name).click()
    expect(page.get_by_text("Two more scanners take part.")).to_be_visible()
    page.get_by_role("button", name="Grant").click()
    expect(page.get_by_text("Granted. The owners are told by mail.")).to_be_visible()


def suspend(page: Page, namespace: str) -> None:
    open_settings(page, namespace, "Ready")
    page.get_by_text("Suspend", exact=True).click()
    page.locator("#id_suspend_why").fill("The cluster is moved.")
    page.get_by_role("button", name="Suspend the project").click()
    open_settings(page, namespace, "Suspended")
    expect(page.get_by_text("The cluster is moved.")).to_be_visible()


def resume(page: Page, namespace: str) -> None:
    open_settings(page, namespace, "Suspended")
    page.get_by_role("button", name="Resume").click()
    open_settings(page, namespace, "Ready")


def archive(page: Page, namespace: str) -> None:
    open_settings(page, namespace, "Ready")
    page.get_by_text("Archive", exact=True).click()
    page.locator("#id_archive_why").fill("The study is published.")
    page.get_by_role("button", name="Archive the project").click()
    open_settings(page, namespace, "Archived")


def restore(page: Page, namespace: str) -> None:
    open_settings(page, namespace, "Archived")
    page.get_by_role("button", name="Restore").click()
    open_settings(page, namespace, "Ready")


def schedule_deletion(page: Page, namespace: str) -> None:
    """Mistyped first, which deletes nothing."""
    open_settings(page, namespace, "Ready")
    page.get_by_text("Delete", exact=True).click()
    page.get_by_label("Namespace").fill(namespace[:-1])
    page.get_by_role("button", name="Delete the project").click()
    expect(page.get_by_text(f"Type {namespace} to confirm.").last).to_be_visible()
    page.get_by_label("Namespace").fill(namespace)
    page.get_by_role("button", name="Delete the project").click()
    expect(page.get_by_text("Until then it can be undone here.")).to_be_visible()


def undo_deletion(page: Page, namespace: str, project_name: str) -> None:
    page.goto("/")
    page.get_by_role("link", name=project_name).click()
    page.get_by_role("button", name="Undo the deletion").click()
    expect(page.get_by_text("The project is not deleted.")).to_be_visible()
    open_settings(page, namespace, "Ready")


def expect_deleted(owner: Page, administrator: Page, namespace: str, project_name: str) -> None:
    """Gone for everybody but in the list of the administrators."""
    assert owner.request.get(f"/projects/{namespace}/settings/").status == 404
    owner.goto("/")
    expect(owner.get_by_text(namespace)).to_have_count(0)
    administrator.goto("/projects/?status=deleted")
    expect(administrator.get_by_role("cell", name=project_name)).to_be_visible()

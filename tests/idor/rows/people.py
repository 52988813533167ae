"""What administrators do with the accounts of others."""

from tests.idor.rows.row import ADMINISTRATORS, ADMINISTRATORS_POST, LOOKERS, Row, everybody

CHANGES_OF_PEOPLE = ("deactivate", "activate", "sign_out", "unlock", "remove_second_factor")
PERSON = {"pk": "person"}
PEOPLE = [
    Row("people:people", LOOKERS),
    Row("people:person", LOOKERS, kwargs=PERSON),
    Row("dashboard:projects_of_person", LOOKERS, kwargs=PERSON),
    Row("people:give_role", everybody(405, anonymous=302), kwargs=PERSON),
    Row("people:give_role", ADMINISTRATORS, "POST", PERSON),
    *(Row(f"people:{verb}", everybody(405, anonymous=302), kwargs=PERSON) for verb in CHANGES_OF_PEOPLE),
    *(Row(f"people:{verb}", ADMINISTRATORS_POST, "POST", PERSON) for verb in CHANGES_OF_PEOPLE),
]

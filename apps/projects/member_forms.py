from django import forms

from apps.accounts import terms
from apps.core.validators import ONE_LINE
from apps.projects.invitation_list import MOST_AT_ONCE
from apps.projects.invitations import Invitee
from apps.projects.models import Invitation, Membership

Role = Membership.Role
LONGEST_LIST = 200_000


class MemberFilter(forms.Form):
    q = forms.CharField(label="Name or e-mail address", required=False, max_length=100)
    role = forms.ChoiceField(label="Role", required=False, choices=[("", "Any"), *Role.choices])


class InvitationFilter(forms.Form):
    q = forms.CharField(label="Name or e-mail address", required=False, max_length=100)
    status = forms.ChoiceField(label="State", required=False, choices=[("", "Any"), *Invitation.Status.choices])


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role", choices=Role.choices)


class ExportForm(forms.Form):
    may_export = forms.BooleanField(label="May export", required=False)


class InviteForm(forms.Form):
    email = forms.EmailField(label="E-mail address", max_length=254, validators=[ONE_LINE])
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.MEMBER)
    name = forms.CharField(
        label="Name", max_length=200, required=False, validators=[ONE_LINE], help_text="For the greeting in the mail"
    )

    def invitee(self) -> Invitee:
        given = self.cleaned_data
        return Invitee(given["email"].lower(), Role(given["role"]), given["name"])


class InviteManyForm(forms.Form):
    people = forms.CharField(
        label="People, one a line",
        max_length=LONGEST_LIST,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "autocomplete": "off"}),
        help_text=f"As from a table, {MOST_AT_ONCE} at most: ida@uni.example,viewer,Ida Berg. "
        "Without a role: a member.",
    )

    def clean_people(self) -> str:
        text = str(self.cleaned_data["people"])
        if sum(1 for line in text.splitlines() if line.strip()) > MOST_AT_ONCE + 1:  # and a heading
            raise forms.ValidationError(f"At most {MOST_AT_ONCE} people at once: send the list in parts.")
        return text


class NewcomerForm(forms.Form):
    name = forms.CharField(label="Your name", max_length=200, validators=[ONE_LINE])
    affiliation = forms.CharField(label="Affiliation", max_length=200, validators=[ONE_LINE])
    terms = terms.acceptance()

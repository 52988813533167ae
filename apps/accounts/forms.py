from typing import Any

from django import forms

from apps.accounts.models import ApiToken, User
from apps.accounts.public_keys import KeyRefused, PublicKey, is_private, parse
from apps.accounts.services import LONGEST_TOKEN_DAYS
from apps.core.validators import ONE_LINE

NO_ROLE = "none"


class OnSharedPage(forms.Form):
    """A form beside others: the ids of its fields begin with a word of its own."""

    ids = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{self.ids}_%s", **kwargs})


class ProfileForm(OnSharedPage):
    """`has_name` is False for who is named by Keycloak."""

    ids = "profile"
    name = forms.CharField(max_length=200, label="Name", validators=[ONE_LINE])
    affiliation = forms.CharField(max_length=200, required=False, label="Affiliation", validators=[ONE_LINE])
    position = forms.CharField(
        max_length=200,
        required=False,
        label="Position",
        help_text="For example doctoral student or radiologist",
        validators=[ONE_LINE],
    )

    def __init__(self, *args: Any, has_name: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_name:
            del self.fields["name"]


class TokenForm(OnSharedPage):
    ids = "token"
    name = forms.CharField(
        max_length=100,
        label="What is it for?",
        help_text="For example: nightly upload script",
        validators=[ONE_LINE],
    )
    days = forms.IntegerField(min_value=1, max_value=LONGEST_TOKEN_DAYS, initial=90, label="Valid for days")
    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices,
        initial=[ApiToken.Scope.READ, ApiToken.Scope.IMAGES_READ],
        widget=forms.CheckboxSelectMultiple,
        label="What may it do?",
        help_text="Never more than you may do yourself.",
    )


class PeopleFilterForm(forms.Form):
    q = forms.CharField(label="Search", required=False, max_length=100)
    role = forms.ChoiceField(
        label="Role", required=False, choices=[("", "Any"), *User.PlatformRole.choices[1:]], initial=""
    )
    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "Any"), ("active", "Active"), ("deactivated", "Deactivated")]
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role on the platform", choices=[(NO_ROLE, "None"), *User.PlatformRole.choices[1:]])

    @staticmethod
    def shown_for(user: User) -> "RoleForm":
        return RoleForm(initial={"role": user.platform_role or NO_ROLE})

    def clean_role(self) -> User.PlatformRole:
        chosen = self.cleaned_data["role"]
        return User.PlatformRole("" if chosen == NO_ROLE else chosen)


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=[("light", "Light"), ("dark", "Dark"), ("auto", "As the system")])


class PublicText(forms.Textarea):
    """Does not show a private key once more that was pasted by mistake, nor what may be lines of one."""

    def format_value(self, value: Any) -> str | None:
        text = str(value).strip()
        return None if is_private(text) or len(text.splitlines()) > 1 else super().format_value(value)


class SshKeyForm(OnSharedPage):
    ids = "key"
    public_key = forms.CharField(
        max_length=20_000,
        strip=False,
        widget=PublicText(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        label="Public key",
        help_text="The one line of a file that ends in .pub, such as ~/.ssh/id_ed25519.pub",
    )
    name = forms.CharField(
        max_length=100, required=False, label="Name", help_text="Empty: the comment of the key", validators=[ONE_LINE]
    )

    def clean_public_key(self) -> PublicKey:
        try:
            return parse(self.cleaned_data["public_key"])
        except KeyRefused as refused:
            raise forms.ValidationError(str(refused)) from refused

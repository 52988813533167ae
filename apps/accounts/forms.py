from django import forms

from apps.accounts.services import LONGEST_TOKEN_DAYS


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, label="What is it for?", help_text="For example: nightly upload script")
    days = forms.IntegerField(min_value=1, max_value=LONGEST_TOKEN_DAYS, initial=90, label="Valid for days")


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=[("light", "Light"), ("dark", "Dark"), ("auto", "As the system")])

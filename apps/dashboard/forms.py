from django import forms

from apps.core.models import Mail


class MailFilterForm(forms.Form):
    status = forms.ChoiceField(label="State", required=False, choices=[("", "All"), *Mail.Status.choices])
    q = forms.CharField(label="Recipient or subject", required=False, max_length=200)

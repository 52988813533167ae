from django import forms

from apps.archives.models import AE_TITLE_LENGTH, is_ae_title
from apps.core.forms import Strict


class AeTitleForm(Strict):
    ae_title = forms.CharField(
        label="AE title",
        max_length=AE_TITLE_LENGTH,
        validators=[is_ae_title],
        help_text="Devices call the project by it. Change it there as well: the former title is not answered any more.",
    )

from django.core.validators import RegexValidator

# For what stands in mails and in headings: nothing in it may begin a line of its own or turn the writing round.
CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
ONE_LINE = RegexValidator(rf"^[^{CONTROLS}]*\Z", "Write this on one line.")

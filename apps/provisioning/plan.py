"""The order in which a project's things are made."""

KIND = "project"
STEPS = (
    ("account", "Account of the owner"),
    ("membership", "Membership as owner"),
    ("archive", "Archive for the images"),
    ("welcome", "Mail to the owner"),
    ("ready", "Project opened"),
)

"""The auditors' room: a web app in which people settle what paper and system disagree on."""

"""The program: command line and settings. Imports every room; no room imports it."""

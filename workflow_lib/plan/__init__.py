"""The validated config as a list of artifacts and the settings of each job. Pure: nothing is computed or written."""

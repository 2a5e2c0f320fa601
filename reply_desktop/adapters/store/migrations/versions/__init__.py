"""The steps, one file each, numbered; a step that has been released is never changed."""

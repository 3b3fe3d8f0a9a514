import a_package_that_nobody_has.model  # noqa: F401

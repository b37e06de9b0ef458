"""Long forms of the tests of bad luck: ``just chaos cdc`` kills the reader of database changes over and over."""

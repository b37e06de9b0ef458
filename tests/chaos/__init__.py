"""Long forms of the tests of bad luck: ``just chaos NAME`` kills over and over what ``just test`` kills once."""

/* Days on which the shop rests: the United States' federal holidays; put your own into the seed. One row a day. */
MODEL (
  name silver.holidays,
  kind SEED (
    path '../../seeds/holidays.csv'
  ),
  owner data_engineer,
  grain day,
  columns (
    day TEXT,
    name TEXT
  ),
  column_descriptions (day = 'The day, as yyyy-mm-dd.', name = 'What it is called.'),
  audits (not_null(columns := (day, name)), unique_values(columns := day))
)

-- version: the version as the server spells it, and as a number: 170011 is 17.11, 90624 is 9.6.24
SELECT current_setting('server_version') AS spelling, current_setting('server_version_num')::integer AS number;

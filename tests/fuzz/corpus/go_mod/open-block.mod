module a.b/c
require (

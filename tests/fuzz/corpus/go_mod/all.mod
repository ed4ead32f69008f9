module "example.com/app" // main
go 1.22.3
toolchain go1.23.0
godebug default=go1.21
require github.com/a/b v1.2.3
require (
	github.com/c/d v0.0.0-20240102030405-0123456789ab // indirect
	`github.com/E/f` v2.0.0+incompatible
)
exclude github.com/a/b v1.2.2
replace (
	github.com/a/b => ../b
	github.com/c/d v1.0.0 => github.com/fork/d v1.0.1
)
retract [v1.0.0, v1.0.5]

module rinca/test/clients/op/chezmoi

go 1.26

require github.com/twpayne/chezmoi/v2 v2.62.4

package opcommand

import "rinca/internal/rinca"

// categories lists the kinds of items and their built-in fields, one a line:
// the id, perhaps behind the id of its section, the type, and the label. A
// line that begins with "=" names a section.
func categories() []category {
	return []category{
		{"001", "Login", rinca.CategoryLogin, `
			username STRING username
			password CONCEALED password
			notesPlain STRING notesPlain`},
		{"002", "Credit Card", rinca.CategoryCreditCard, `
			=contactInfo Contact Information
			=details Additional Details
			notesPlain STRING notesPlain
			cardholder STRING cardholder name
			type CREDIT_CARD_TYPE type
			ccnum CREDIT_CARD_NUMBER number
			cvv CONCEALED verification number
			expiry MONTH_YEAR expiry date
			validFrom MONTH_YEAR valid from
			contactInfo/bank STRING issuing bank
			contactInfo/phoneLocal PHONE phone (local)
			contactInfo/phoneTollFree PHONE phone (toll free)
			contactInfo/phoneIntl PHONE phone (intl)
			contactInfo/website URL website
			details/pin CONCEALED PIN
			details/creditLimit STRING credit limit
			details/cashLimit STRING cash withdrawal limit
			details/interest STRING interest rate
			details/issuenumber STRING issue number`},
		{"003", "Secure Note", rinca.CategorySecureNote, `
			notesPlain STRING notesPlain`},
		{"004", "Identity", rinca.CategoryIdentity, `
			=name Identification
			=address Address
			=internet Internet Details
			notesPlain STRING notesPlain
			name/firstname STRING first name
			name/initial STRING initial
			name/lastname STRING last name
			name/gender STRING gender
			name/birthdate DATE birth date
			name/occupation STRING occupation
			name/company STRING company
			name/department STRING department
			name/jobtitle STRING job title
			address/address ADDRESS address
			address/defphone PHONE default phone
			address/homephone PHONE home
			address/cellphone PHONE cell
			address/busphone PHONE business
			internet/username STRING username
			internet/reminderq STRING reminder question
			internet/remindera STRING reminder answer
			internet/email STRING email
			internet/website STRING website`},
		{"005", "Password", rinca.CategoryPassword, `
			password CONCEALED password
			notesPlain STRING notesPlain`},
		{"006", "Document", rinca.CategoryDocument, `
			notesPlain STRING notesPlain`},
		{"100", "Software License", rinca.CategorySoftwareLicense, `
			=customer Customer
			=publisher Publisher
			=order Order
			notesPlain STRING notesPlain
			product_version STRING version
			reg_code STRING license key
			customer/reg_name STRING licensed to
			customer/reg_email EMAIL registered email
			customer/company STRING company
			publisher/download_link URL download page
			publisher/publisher_name STRING publisher
			publisher/publisher_website URL website
			publisher/retail_price STRING retail price
			publisher/support_email EMAIL support email
			order/order_date DATE purchase date
			order/order_number STRING order number
			order/order_total STRING order total`},
		{"101", "Bank Account", rinca.CategoryBankAccount, `
			=branchInfo Branch Information
			notesPlain STRING notesPlain
			bankName STRING bank name
			owner STRING name on account
			accountType MENU type
			routingNo STRING routing number
			accountNo STRING account number
			swift STRING SWIFT
			iban STRING IBAN
			telephonePin CONCEALED PIN
			branchInfo/branchPhone PHONE phone
			branchInfo/branchAddress STRING address`},
		{"102", "Database", rinca.CategoryDatabase, `
			notesPlain STRING notesPlain
			database_type MENU type
			hostname STRING server
			port STRING port
			database STRING database
			username STRING username
			password CONCEALED password
			sid STRING SID
			alias STRING alias
			options STRING connection options`},
		{"103", "Driver License", rinca.CategoryDriverLicense, `
			notesPlain STRING notesPlain
			fullname STRING full name
			address STRING address
			birthdate DATE date of birth
			gender STRING gender
			height STRING height
			number STRING number
			class STRING license class
			conditions STRING conditions / restrictions
			state STRING state
			country STRING country
			expiry_date MONTH_YEAR expiry date`},
		{"104", "Outdoor License", rinca.CategoryOutdoorLicense, `
			notesPlain STRING notesPlain
			name STRING full name
			valid_from DATE valid from
			expires DATE expires
			game STRING approved wildlife
			quota STRING maximum quota
			state STRING state
			country STRING country`},
		{"105", "Membership", rinca.CategoryMembership, `
			notesPlain STRING notesPlain
			org_name STRING group
			website URL website
			phone PHONE telephone
			member_name STRING member name
			member_since MONTH_YEAR member since
			expiry_date MONTH_YEAR expiry date
			membership_no STRING member ID
			pin CONCEALED PIN`},
		{"106", "Passport", rinca.CategoryPassport, `
			notesPlain STRING notesPlain
			type STRING type
			issuing_country STRING issuing country
			number STRING number
			fullname STRING full name
			gender STRING gender
			nationality STRING nationality
			issuing_authority STRING issuing authority
			birthdate DATE date of birth
			birthplace STRING place of birth
			issue_date DATE issued on
			expiry_date DATE expiry date`},
		{"107", "Reward Program", rinca.CategoryRewardProgram, `
			=extra More Information
			notesPlain STRING notesPlain
			company_name STRING company name
			member_name STRING member name
			membership_no STRING member ID
			pin CONCEALED PIN
			extra/additional_no STRING member ID (additional)
			extra/member_since MONTH_YEAR member since
			extra/customer_service_phone PHONE customer service phone
			extra/reservations_phone PHONE phone for reservations
			extra/website URL website`},
		{"108", "Social Security Number", rinca.CategorySocialSecurity, `
			notesPlain STRING notesPlain
			name STRING name
			number CONCEALED number`},
		{"109", "Wireless Router", rinca.CategoryWirelessRouter, `
			notesPlain STRING notesPlain
			name STRING base station name
			password CONCEALED base station password
			server STRING server / IP address
			airport_id STRING AirPort ID
			network_name STRING network name
			wireless_security MENU wireless security
			wireless_password CONCEALED wireless network password
			disk_password CONCEALED attached storage password`},
		{"110", "Server", rinca.CategoryServer, `
			=admin_console Admin Console
			=hosting_provider_details Hosting Provider
			notesPlain STRING notesPlain
			url STRING URL
			username STRING username
			password CONCEALED password
			admin_console/admin_console_url STRING admin console URL
			admin_console/admin_console_username STRING admin console username
			admin_console/admin_console_password CONCEALED console password
			hosting_provider_details/name STRING name
			hosting_provider_details/website STRING website
			hosting_provider_details/support_contact_url STRING support URL
			hosting_provider_details/support_contact_phone STRING support phone`},
		{"111", "Email Account", rinca.CategoryEmailAccount, `
			=SMTP SMTP
			notesPlain STRING notesPlain
			pop_type MENU type
			pop_username STRING username
			pop_server STRING server
			pop_port STRING port number
			pop_password CONCEALED password
			pop_security MENU security
			pop_authentication MENU auth method
			SMTP/smtp_server STRING SMTP server
			SMTP/smtp_port STRING port number
			SMTP/smtp_username STRING username
			SMTP/smtp_password CONCEALED password
			SMTP/smtp_security MENU security
			SMTP/smtp_authentication MENU auth method`},
		{"112", "API Credential", rinca.CategoryAPICredential, `
			notesPlain STRING notesPlain
			username STRING username
			credential CONCEALED credential
			type MENU type
			filename STRING filename
			validFrom DATE valid from
			expires DATE expires
			hostname STRING hostname`},
		{"113", "Medical Record", rinca.CategoryMedicalRecord, `
			=medication medication
			notesPlain STRING notesPlain
			date DATE date
			location STRING location
			healthcareprofessional STRING healthcare professional
			patient STRING patient
			reason STRING reason for visit
			medication/medication STRING medication
			medication/dosage STRING dosage
			medication/notes STRING medication notes`},
		{"114", "SSH Key", rinca.CategorySSHKey, `
			notesPlain STRING notesPlain
			private_key SSHKEY private key`},
		{"115", "Crypto Wallet", rinca.CategoryCustom, `
			=wallet Wallet
			notesPlain STRING notesPlain
			recoveryPhrase CONCEALED recovery phrase
			password CONCEALED password
			wallet/walletAddress STRING wallet address`},
	}
}

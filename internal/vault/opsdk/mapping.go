//go:build !nosdk

package opsdk

import (
	"strings"

	"github.com/1password/onepassword-sdk-go"

	"rinca/internal/rinca"
)

// The SDK's names of categories, and ours. What is not here is CUSTOM.
var categories = []struct {
	theirs onepassword.ItemCategory
	ours   rinca.Category
}{
	{onepassword.ItemCategoryLogin, rinca.CategoryLogin},
	{onepassword.ItemCategorySecureNote, rinca.CategorySecureNote},
	{onepassword.ItemCategoryCreditCard, rinca.CategoryCreditCard},
	{onepassword.ItemCategoryIdentity, rinca.CategoryIdentity},
	{onepassword.ItemCategoryPassword, rinca.CategoryPassword},
	{onepassword.ItemCategoryDocument, rinca.CategoryDocument},
	{onepassword.ItemCategoryAPICredentials, rinca.CategoryAPICredential},
	{onepassword.ItemCategoryBankAccount, rinca.CategoryBankAccount},
	{onepassword.ItemCategoryDatabase, rinca.CategoryDatabase},
	{onepassword.ItemCategoryDriverLicense, rinca.CategoryDriverLicense},
	{onepassword.ItemCategoryEmail, rinca.CategoryEmailAccount},
	{onepassword.ItemCategoryMedicalRecord, rinca.CategoryMedicalRecord},
	{onepassword.ItemCategoryMembership, rinca.CategoryMembership},
	{onepassword.ItemCategoryOutdoorLicense, rinca.CategoryOutdoorLicense},
	{onepassword.ItemCategoryPassport, rinca.CategoryPassport},
	{onepassword.ItemCategoryRewards, rinca.CategoryRewardProgram},
	{onepassword.ItemCategoryRouter, rinca.CategoryWirelessRouter},
	{onepassword.ItemCategoryServer, rinca.CategoryServer},
	{onepassword.ItemCategorySSHKey, rinca.CategorySSHKey},
	{onepassword.ItemCategorySocialSecurityNumber, rinca.CategorySocialSecurity},
	{onepassword.ItemCategorySoftwareLicense, rinca.CategorySoftwareLicense},
}

// The SDK's types of fields, and ours. What is not here is UNKNOWN.
var fieldTypes = []struct {
	theirs onepassword.ItemFieldType
	ours   rinca.FieldType
}{
	{onepassword.ItemFieldTypeText, rinca.TypeString},
	{onepassword.ItemFieldTypeConcealed, rinca.TypeConcealed},
	{onepassword.ItemFieldTypeCreditCardType, rinca.TypeCreditCardType},
	{onepassword.ItemFieldTypeCreditCardNumber, rinca.TypeCreditCardNumber},
	{onepassword.ItemFieldTypePhone, rinca.TypePhone},
	{onepassword.ItemFieldTypeURL, rinca.TypeURL},
	{onepassword.ItemFieldTypeTOTP, rinca.TypeOTP},
	{onepassword.ItemFieldTypeEmail, rinca.TypeEmail},
	{onepassword.ItemFieldTypeReference, rinca.TypeReference},
	{onepassword.ItemFieldTypeSSHKey, rinca.TypeSSHKey},
	{onepassword.ItemFieldTypeMenu, rinca.TypeMenu},
	{onepassword.ItemFieldTypeMonthYear, rinca.TypeMonthYear},
	{onepassword.ItemFieldTypeAddress, rinca.TypeAddress},
	{onepassword.ItemFieldTypeDate, rinca.TypeDate},
}

func toVault(v onepassword.VaultOverview) rinca.Vault {
	return rinca.Vault{
		ID: v.ID, Name: v.Title, Description: v.Description, Type: string(v.VaultType), Items: int(v.ActiveItemCount),
		AttributeVersion: int64(v.AttributeVersion), ContentVersion: int64(v.ContentVersion), CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
}

func toCategory(c onepassword.ItemCategory) rinca.Category {
	for _, m := range categories {
		if m.theirs == c {
			return m.ours
		}
	}
	return rinca.CategoryCustom
}

func toURLs(sites []onepassword.Website) []rinca.URL {
	var urls []rinca.URL
	for i, w := range sites {
		urls = append(urls, rinca.URL{Label: w.Label, Primary: i == 0, Href: w.URL})
	}
	return urls
}

func toInfo(o onepassword.ItemOverview) rinca.Info {
	info := rinca.Info{
		ID: o.ID, VaultID: o.VaultID, Title: o.Title, Category: toCategory(o.Category), Tags: o.Tags, URLs: toURLs(o.Websites),
		CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
	if o.State == onepassword.ItemStateArchived {
		info.State = rinca.Archived
	}
	return info
}

// toItem maps an item. The SDK keeps notes apart from the fields, and does not
// tell an empty value from none: it is none here.
func toItem(it onepassword.Item) rinca.Item {
	out := rinca.Item{Info: rinca.Info{
		ID: it.ID, VaultID: it.VaultID, Title: it.Title, Category: toCategory(it.Category), Tags: it.Tags, URLs: toURLs(it.Websites),
		Version: int64(it.Version), CreatedAt: it.CreatedAt, UpdatedAt: it.UpdatedAt,
	}}
	for _, s := range it.Sections {
		out.Sections = append(out.Sections, rinca.Section{ID: s.ID, Label: s.Title})
	}
	for _, f := range it.Fields {
		out.Fields = append(out.Fields, toField(f))
	}
	if it.Notes != "" {
		out.Fields = append(out.Fields, rinca.Field{ID: "notesPlain", Type: rinca.TypeString, Purpose: rinca.PurposeNotes, Label: "notesPlain", Value: rinca.NewSecret(it.Notes)})
	}
	for _, f := range it.Files {
		out.Files = append(out.Files, rinca.File{ID: f.Attributes.ID, Name: f.Attributes.Name, Size: int64(f.Attributes.Size), SectionID: f.SectionID})
	}
	if d := it.Document; d != nil {
		out.Files = append(out.Files, rinca.File{ID: d.ID, Name: d.Name, Size: int64(d.Size)})
	}
	return out
}

func toField(f onepassword.ItemField) rinca.Field {
	field := rinca.Field{ID: f.ID, Label: f.Title, Type: rinca.TypeUnknown}
	for _, m := range fieldTypes {
		if m.theirs == f.FieldType {
			field.Type = m.ours
		}
	}
	if f.SectionID != nil {
		field.SectionID = *f.SectionID
	} else if f.ID == "username" {
		field.Purpose = rinca.PurposeUsername
	} else if f.ID == "password" {
		field.Purpose = rinca.PurposePassword
	}
	if f.Value != "" {
		field.Value = rinca.NewSecret(f.Value)
	}
	if f.Details != nil && f.Details.Type == onepassword.ItemFieldDetailsTypeVariantOTP {
		if otp := f.Details.OTP(); otp != nil && otp.Code != nil {
			field.TOTP = rinca.NewSecret(*otp.Code)
		}
	}
	return field
}

func fileAttributes(it onepassword.Item, id string) (onepassword.FileAttributes, bool) {
	for _, f := range it.Files {
		if f.Attributes.ID == id {
			return f.Attributes, true
		}
	}
	if it.Document != nil && it.Document.ID == id {
		return *it.Document, true
	}
	return onepassword.FileAttributes{}, false
}

// parts are what a write sends of an item, in the SDK's types.
func parts(item rinca.Item) (fields []onepassword.ItemField, sections []onepassword.ItemSection, notes string, sites []onepassword.Website) {
	for _, s := range item.Sections {
		sections = append(sections, onepassword.ItemSection{ID: s.ID, Title: s.Label})
	}
	for _, f := range item.Fields {
		if f.Purpose == rinca.PurposeNotes {
			notes = f.Value.Reveal()
			continue
		}
		field := onepassword.ItemField{ID: f.ID, Title: f.Label, FieldType: onepassword.ItemFieldTypeText, Value: f.Value.Reveal()}
		if field.ID == "" {
			field.ID = strings.ReplaceAll(f.Label, " ", "_")
		}
		for _, m := range fieldTypes {
			if m.ours == f.Type {
				field.FieldType = m.theirs
			}
		}
		if f.SectionID != "" {
			field.SectionID = &f.SectionID
		}
		fields = append(fields, field)
	}
	for _, u := range item.URLs {
		sites = append(sites, onepassword.Website{URL: u.Href, Label: u.Label, AutofillBehavior: onepassword.AutofillBehaviorAnywhereOnWebsite})
	}
	return fields, sections, notes, sites
}

func toParams(item rinca.Item) onepassword.ItemCreateParams {
	fields, sections, notes, sites := parts(item)
	p := onepassword.ItemCreateParams{
		Category: onepassword.ItemCategorySecureNote, VaultID: item.VaultID, Title: item.Title,
		Fields: fields, Sections: sections, Tags: item.Tags, Websites: sites,
	}
	for _, m := range categories {
		if m.ours == item.Category {
			p.Category = m.theirs
		}
	}
	if notes != "" {
		p.Notes = &notes
	}
	for _, f := range item.Files {
		if f.Content.IsSet() {
			p.Files = append(p.Files, onepassword.FileCreateParams{Name: f.Name, Content: []byte(f.Content.Reveal()), SectionID: f.SectionID, FieldID: f.ID})
		}
	}
	return p
}

func replaced(stored onepassword.Item, item rinca.Item) onepassword.Item {
	stored.Title, stored.Tags = item.Title, item.Tags
	stored.Fields, stored.Sections, stored.Notes, stored.Websites = parts(item)
	return stored
}

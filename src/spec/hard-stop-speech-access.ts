/** Access refused or asked for, as people write it in the languages of Europe. Plain data. */
import { beside, terms } from './hard-stop-context.ts'
import type { HardStopTerm } from './hard-stop-term.ts'

export const ACCESS_SPEECH: readonly HardStopTerm[] = [
  ...terms(`
    locked out, lost access, lose access, need access to, needs access to, give me access, grant me access, grant * access, request access to, access request,
    admin rights, admin access, administrator rights, admin role, admin privileges, root access, write access, read access to,
    api key has been revoked, api key is invalid, key has been revoked, certificate signed by unknown authority,
    certificate has expired, certificate verify failed, certificate is not trusted, certificate required, self signed certificate, self-signed certificate,
    unable to get local issuer certificate, handshake failed, not in the sudoers file, password is required, two-factor code, verification code was rejected,
    cannot be verified with your credentials, adminrechte*, administratorrechte*, zugriffsrechte*, zugang freischalten, zugang freigeben,
    droits d'administrateur, droits administrateur, accès refusé, accès interdit, acceso denegado, acceso no autorizado, permisos de administrador, accesso negato,
    accesso non autorizzato, acesso negado, acesso não autorizado, toegang geweigerd, beheerdersrechten, odmowa dostępu, brak uprawnień, brak dostępu,
    åtkomst nekad, adgang nægtet, tilgang nektet, pääsy evätty, hozzáférés megtagadva, acces refuzat, přístup odepřen, erişim reddedildi,
    доступ запрещен, отказано в доступе, нет прав доступа, нет доступа
  `),
  ...['*访问被拒绝*', '*拒绝访问*', '*权限不足*', '*没有权限*', '*密码错误*', '*账号被锁*', '*无法登录*'],
  ...[
    '*アクセスが拒否*',
    '*権限がありません*',
    '*ログインできません*',
    '*パスワードを忘れ*',
    '*접근이거부*',
    '*권한이없*',
  ],
  beside(
    `account, accounts, login, log-in, sign-in, sign in, log in, user account, profile`,
    `locked, blocked, suspended, disabled, deactivated, banned, can't log in, cannot log in, can not log in, couldn't log in, unable to log in,
    can't sign in, cannot sign in, can not sign in, unable to sign in, unable to login, can't login, cannot login, nobody can, no one can, keeps failing, forgot, forgotten,
    reactivate, unlock, restore my access, not recognised, not recognized, no longer works, does not work, doesn't work`,
    `doors, door, gate, road`,
  ),
  beside(
    `password, passwords, passcode, pin, 2fa, mfa, authenticator, two-factor, one-time code, reset mail, reset link, recovery code`,
    `forgot, forgotten, forget, reset, expired, wrong, incorrect, rejected, not accepted, lost, never arrives, does not arrive, not arriving, changed without, does not work, doesn't work,
    locked, stopped working`,
    `sprinkler, router, factory, bowling, counter`,
  ),
  beside(
    `role, roles, rights, service account, permission, permissions, group membership, entitlement*, licence seat`,
    `has no, have no, not assigned, not granted, lacks, lacking, revoked, removed from, no role, give me, grant me, assign me, add me`,
    `women, human, civil, animal, voting`,
  ),
  beside(
    `konto, benutzerkonto, kundenkonto, account, zugang, zugriff, passwort, kennwort, anmeldung, anmelden, einloggen, login, zugangsdaten, anmeldedaten, benutzername,
    zwei-faktor*, zweifaktor*, 2fa, mfa, berechtigung*, schreibrechte, leserechte, benutzerrechte, freischaltung, admin-rechte`,
    `gesperrt, blockiert, ausgesperrt, abgelaufen, falsch, ungültig*, verweigert, nicht angenommen, nicht akzeptiert, nicht mehr anmelden, nicht mehr einloggen, nicht einloggen,
    nicht anmelden, vergessen, zurücksetzen, freischalten, freigeben, schlägt fehl, schlagen fehl, kann mich nicht, komme nicht, kommen nicht, verloren, entzogen, entsperren,
    deaktiviert, weg, brauche, braucht, brauchen, benötige, benötigt, benötigen, beantrage, beantragen, fehlt mir, abgewiesen`,
    `garten, tür, rollstuhl*, barrierefrei*, parkplatz, kamera, überwiesen, rechnung`,
  ),
  beside(
    `compte, accès, mot de passe, identifiant, identifiants, connexion, connecter, me connecter, droits, autorisation*, code d'accès, double authentification, session, login, habilitation*`,
    `refusé*, bloqué*, verrouillé*, expiré*, oublié*, invalide*, incorrect*, perdu*, réinitialis*, n arrive, n arrivons, ne peux, ne peut, ne pouvons, impossible, n avez pas, n ai pas, n a pas,
    ne marche, ne fonctionne, interdit*, échou*, suspendu*, désactivé*, révoqué*, débloquer, besoin, rejeté*`,
    `parc, musée, plage, handicap*, internet, wifi`,
  ),
  beside(
    `cuenta, acceso, sesión, contraseña, clave de acceso, credenciales, permiso*, usuario, autenticación, doble factor, código de verificación, derechos de acceso`,
    `bloquead*, denegad*, caducad*, incorrect*, inválid*, no puedo, no podemos, no puede, no me deja, no nos deja, no tengo, no tiene, no tienes, olvid*, expirad*, expiró, caducó, rechazad*, restablecer, recuperar,
    necesito, necesita, revocad*, suspendid*, desactivad*, desbloquear, perdid*, no funciona, no es válid*, sin acceso`,
    `museo, playa, parque, calle, discapacidad, bancaria del proveedor, por cuenta`,
  ),
  beside(
    `account, accesso, password, credenziali, sessione, permess*, autorizzazion*, utenza, nome utente, codice di verifica`,
    `negat*, bloccat*, scadut*, non valid*, errat*, dimenticat*, non riesco, non riusciamo, non posso, impossibile, rifiutat*, reimpostare, revocat*, sospes*, disattivat*, sbloccare, smarrit*,
    non funziona, ho bisogno, mi serve, non ho`,
    `museo, spiaggia, parco, disabili`,
  ),
  beside(
    `conta, acesso, senha, palavra-passe, credenciais, sessão, login, permissão, permissões, utilizador, usuário, código de verificação`,
    `negad*, bloquead*, expirou, expirad*, inválid*, incorret*, esqueci*, não consigo, não conseguimos, não posso, não tenho, não temos, recusad*, redefinir, revogad*, suspens*, desativad*, desbloquear, perdi,
    preciso, não funciona, não é aceite, não é aceita`,
    `museu, praia, parque, deficientes`,
  ),
  beside(
    `account, toegang, wachtwoord, inloggen, aanmelden, rechten, inloggegevens, sessie, gebruikersnaam, tweestaps*`,
    `geweigerd, geblokkeerd, verlopen, ongeldig*, vergeten, niet meer, kan niet, kunnen niet, lukt niet, werkt niet, geen, ingetrokken, onjuist*, vergrendeld, nodig, deblokkeren, resetten`,
    `tuin, parkeer*, museum`,
  ),
  beside(
    `konto, konta, hasło, hasła, dostęp, dostępu, logowani*, zalogować, uprawnień, uprawnienia, kontot, kontoen, lösenord*, adgangskode*, passord*, inloggning*, innlogging*, účet, heslo, přihlášení, parola*, heslo`,
    `zablokowan*, wygasł*, nieprawidłow*, nie mogę, nie możemy, nie działa, zapomniałem, zapomniałam, odmówiono, spärrat, spärrad, sperret, spærret, glömt, glemt, utgått, udløbet, utløpt, kan inte, kan ikke,
    fungerar inte, virker ikke, felaktig*, zablokovan*, nemohu, nemůžu, zapomněl*, blocat*, nu pot, nu pot, uitat, am uitat, expirat*`,
  ),
  beside(
    `пароль, пароля, аккаунт, аккаунта, учетная запись, логин, вход, войти, доступ, доступа`,
    `заблокирован*, не могу, не удается, забыл*, истек*, неверн*, запрещен*, отклонен*, сброс*, нет`,
  ),
  ...terms(`
    could not read from remote repository, has no access, have no access, had no access, still no access, no access to, without access to, not a member of, cannot get back into, can't get back into,
    not allowed to open, not allowed to see, not allowed to view, not allowed to edit, not allowed to use, not allowed to enter, getting initial credentials, login request, approve the login,
    keinen zugriff, kein zugriff, keinen zugang, nicht freigeschaltet, nicht berechtigt, pas autorisé à, pas accès, non autorisé, no autorizado, no permitido, non autorizzato, não autorizado, não permitido,
    niet gemachtigd, niet bevoegd, geen toegang, ingen åtkomst, ikke adgang, ikke tilgang
  `),
  beside(
    `certificate, certificates, cert, vpn, zertifikat*, certificat*, certificado*`,
    `expired, revoked, not trusted, untrusted, abgelaufen, widerrufen, expiré*, révoqué*, caducad*, revocad*, scadut*, expirou`,
    `gift, birth, course`,
  ),
  beside(
    `add me to, add us to, add him to, add her to, put me in, invite me to`,
    `group, team, workspace, project, organization, organisation, repository, channel, role, list of approvers`,
  ),
  beside(
    `passwort, kennwort, pin, zugang, zugriff, account, konto, rechte, zugriffsrechte`,
    `setzen, setzt, schalten sie, schaltet, geben sie mir, gebt mir, gib mir, einrichten, freischalten, richten sie`,
    `manager, garten, überwiesen`,
  ),
  beside(
    `accès, droits, code, code de vérification, lien, acceso, permisos, código, enlace, codice, permessi, código de acesso, acesso, code de sécurité`,
    `donner accès, me donner, donnez-moi, reçois pas, recevons pas, n arrive pas, dar acceso, me pueden dar, me den, deme, no me llega, no recibo, no llega, non arriva, non ricevo, darmi, não chega, não recebo, me dar, dar acesso`,
    `postal, promo*, descuento, colis, paquete, pacco, encomenda`,
  ),
]

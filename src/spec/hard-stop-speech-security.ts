/** Security at stake, as people write it in the languages of Europe. Plain data. */
import { ARTS, beside, terms } from './hard-stop-context.ts'
import type { HardStopTerm } from './hard-stop-term.ts'

/** A sign-in under attack, stolen or published data, malicious programs. */
export const SECURITY_SPEECH: readonly HardStopTerm[] = [
  ...terms(`
    phishing mail*, phishing email*, phishing attempt*, phishing attack*, ransomware attack, data breach*, data leak, account takeover, credential stuffing, brute force*, brute-force*, xss, csrf, ssrf, xxe, idor,
    stored xss, zero-day exploit*, someone else logged in, unauthorised access, unauthorized access, unauthorised login*, unauthorized login*, suspicious login*, suspicious sign-in*, suspicious activity,
    unknown login*, unusual sign-in*, identity theft, insecure direct object, open redirect, prompt injection attack, directory traversal, insecure deserialization,
    sicherheitslücke*, datenpanne*, datenleck*, datenschutzverletzung*, hackerangriff*, cyberangriff*, sicherheitsvorfall*, schadsoftware, erpressungstrojaner, identitätsdiebstahl, phishing-mail*, schwachstellenscan*,
    faille de sécurité, failles de sécurité, fuite de données, violation de données, rançongiciel*, logiciel malveillant, hameçonnage, usurpation d'identité, cyberattaque*, attaque informatique, incident de sécurité,
    brecha de seguridad, brecha de datos, fuga de datos, filtración de datos, suplantación de identidad, ciberataque*, ataque informático, fallo de seguridad, incidente de seguridad, secuestro de datos,
    violazione dei dati, violazione di dati, falla di sicurezza, fuga di dati, furto di dati, furto d'identità, attacco informatico, incidente di sicurezza, vulnerabilità critica,
    vazamento de dados, violação de dados, falha de segurança, ataque cibernético, incidente de segurança, roubo de identidade, datalek*, beveiligingslek*, beveiligingsincident*, cyberaanval*, identiteitsfraude,
    wyciek danych, luka bezpieczeństwa, naruszenie danych, dataintrång*, säkerhetshål*, dataläcka*, sikkerhedsbrud*, sikkerhetsbrudd*, únik dat, утечка данных, уязвимость, взлом*
  `),
  ...[
    '*数据泄露*',
    '*安全漏洞*',
    '*被盗*',
    '*情報漏えい*',
    '*情報漏洩*',
    '*脆弱性*',
    '*不正アクセス*',
    '*개인정보유출*',
  ],
  beside(
    `phishing, malware, ransomware, spyware, trojan, keylogger, botnet, rootkit, cryptominer, ddos, hackers, hacker, hacked, hijacked, breach, breached, intrusion, exfiltrat*, backdoor, stolen, virus`,
    `our, my, we, customer*, user*, account, accounts, server*, laptop*, computer*, workstation, file server, encrypted, email, mail, mails, password*, package, packages, npm, pypi, dependency, database, website, network, machine,
    detected, infected, employee*, staff, shares, backup*, in the name of`,
    `match, players, flu, hospital, vaccine, movie, novel, season, war, soldiers, body, immune, cell*, protein*, disease*, ${ARTS}, bank robbery, plane, flight, airliner, aircraft, police, painting, art`,
  ),
  beside(
    `leaked, leak, leaking, published, exposed, disclosed, dumped, sold`,
    `customer list, customer data, personal data, user data, passwords, credentials, customer records, client data, client list, patient data, payroll, salaries, medical records, email addresses, card numbers, internal documents,
    private key, api key, source code, on a forum, on pastebin, dark web, darknet`,
  ),
  beside(
    `logged in, signed in, accessed, taken over`,
    `someone else, stranger, another country, unknown device, unknown person, without my knowledge, not me, wasn't me, was not me, from russia, from abroad, unknown location`,
  ),
  beside(
    `private key, signing key, aws key, api key, ssh key, secret key, token, tokens, credentials, password, passwords, keys`,
    `committed, public repository, public repo, pushed to github, pasted, in the logs, in a screenshot, container image, in plain text, shared in slack, in the chat`,
    `syntax*, parse*, json, yaml, unexpected`,
  ),
  beside(
    `schwachstelle*, trojaner, virus, viren, schadprogramm*, gehackt*, hacker, phishing, fremde, fremder, unbefugte*, unbekannte*, gestohlen*, geleakt*, gekapert, kompromittiert*, manipuliert*`,
    `rechner*, server*, konto, konten, daten, kundendaten, passwort*, passwörter, zugangsdaten, zugegriffen, angemeldet, eingeloggt, postfach, system*, netzwerk, laptop, webseite, website, buchhaltung, paket, gefunden, gemeldet, mail, mails, schlüssel`,
    `grippe, impf*, krankenhaus, film, fahrrad, body, immune, disease*, cell*`,
  ),
  beside(
    `geheime schlüssel, geheimer schlüssel, privater schlüssel, private schlüssel, api-schlüssel, zugangsdaten, passwörter, kundendaten, personaldaten, gehaltsliste`,
    `öffentlich*, repository, veröffentlicht*, im netz, im internet, falschen empfänger, falsche empfänger, fremde hände, im klartext, geleakt*, gestohlen*, verloren, einsehbar`,
  ),
  beside(
    `vulnérabilité*, faille*, piraté*, piratage*, pirates, intrusion, virus, volé*, malveillant*, phishing`,
    `compte*, données, serveur*, site, système, mot de passe, mots de passe, ordinateur*, poste*, victime*, victimes, clients, client, critique, messagerie, réseau, détecté*, formulaire`,
    `grippe, hôpital, film, avion, musée`,
  ),
  beside(
    `vulnerabilidad*, hackead*, hackearon, pirate*, robad*, robaron, filtrad*, filtraron, filtró, troyano, virus, comprometid*, secuestr*, intrus*, phishing`,
    `cuenta*, datos, contraseña*, servidor*, sistema*, formulario, web, página, clientes, ordenador*, equipo*, correo*, red, detectad*, crítica, archivos, clave*`,
    `gripe, hospital, película, banco de sangre`,
  ),
  beside(
    `vulnerabilità, hackerat*, violat*, rubat*, trafugat*, virus, trojan, compromess*, intrusione, phishing, pirati`,
    `account, dati, password, server, sistema, sito, clienti, computer, posta, rete, modulo, rilevat*, critica`,
    `influenza, ospedale, film`,
  ),
  beside(
    `vulnerabilidade*, hackead*, invadid*, invadiram, roubad*, roubaram, vazad*, vazaram, vazamento, vírus, comprometid*, phishing, intrus*`,
    `conta*, dados, senha*, servidor*, sistema*, site, clientes, computador*, e-mail*, rede, formulário, detetad*, detectad*, crítica`,
    `gripe, hospital, filme, água, óleo, gás`,
  ),
  beside(
    `kwetsbaarheid*, gehackt, gestolen, gelekt, phishing, virus, trojan, malware, onbevoegd*, inbraak`,
    `account*, gegevens, klantgegevens, wachtwoord*, server*, systeem, website, computer*, laptop*, netwerk, gevonden, kritiek*`,
    `griep, ziekenhuis, film, fiets`,
  ),
  ...terms(`
    high severity, critical severity, severity high, severity critical, remote host identification has changed, could be eavesdropping, man-in-the-middle, prototype pollution, heap overflow exploit*, use-after-free exploit*,
    clicked on the link in, clicked a link in, clicked the phishing, pretends to be from, pretending to be from, visible to anyone, visible to everybody, accessible without login, without authentication, accessible without password
  `),
  // Somebody who is not me, and what is mine.
  beside(
    `someone, somebody, stranger, strangers, unknown person, thief, fraudster, fraudsters, scammer*`,
    `my account, our account, her account, his account, my data, my name, my card, my password, my identity, my phone number, our name, our domain, with my, entered my, hacked, broke into, got into`,
  ),
  beside(
    `jemand, fremde*, unbekannte*, betrüger*, unbefugte*, quelqu un, inconnu, escroc*, alguien, desconocid*, han entrado, estafador*, qualcuno, sconosciut*, truffator*, alguém, desconhecid*, invadiu, golpista*, iemand, onbekende*, oplichter*, ktoś, någon, noen, nogen`,
    `mein konto, meinem konto, meinen daten, meine daten, meinem namen, meine karte, meinen account, meinem account, unser konto, mon compte, mes données, ma carte, mon nom, mon mot de passe, mi cuenta, mis datos, mi tarjeta, mi nombre, mi contraseña,
    mio account, mio conto, miei dati, mia carta, mia password, mio nome, minha conta, meus dados, meu cartão, meu nome, minha senha, mijn account, mijn gegevens, mijn kaart, mijn naam, moje konto, mitt konto, min konto`,
  ),
  beside(
    `lost, left, stolen, missing, verloren, gestohlen, perdu, volé*, perdido, robad*, rubat*, perso, gestolen`,
    `work laptop, company laptop, my laptop, work phone, company phone, usb stick, usb drive, hard drive with, badge, key card, security token, dienstlaptop, firmenlaptop, diensthandy, firmenhandy, usb-stick,
    ordinateur professionnel, clé usb, portátil de la empresa, portatile aziendale, chiavetta usb, not encrypted, unencrypted, unverschlüsselt`,
  ),
  beside(
    `antivirus, virus scanner, virenscanner, defender, endpoint protection, edr`,
    `quarantin*, detected, found, blocked, infected, meldet, gefunden, alert, threat`,
  ),
  beside(
    `buffer overflow, heap overflow, code execution, denial of service, out-of-bounds write, use after free, deserialization, prototype pollution, memory corruption`,
    `attacker*, remote, remotely, severity, exploit*, cve, crafted, allows, allow, vulnerab*`,
  ),
  beside(
    `any user, anyone, everyone, every user, other users, other customers, everybody`,
    `can read, can see, can view, can download, can open, can edit, invoices of, records of, data of, files of, messages of`,
    `museum, park, library, beach, view from`,
  ),
  beside(
    `.env, config file, backup file, bucket, share, admin page, database dump, dump, database, git folder`,
    `reachable, is public, publicly, world-readable, open to the internet, accessible from, exposed, without password, from the web, indexed by google`,
  ),
  beside(
    `pasted, posted, uploaded, sent, shared, emailed, printed, published`,
    `production key, api key, private key, secret key, the keys, password*, credential*, token, wrong recipient, wrong person, wrong customer, passport scans, patient list`,
    `syntax*, css, design`,
  ),
  beside(
    `gefälschte*, betrugs*, fake-*, faux, fausse, frauduleux, falso, falsa, fraudulent*, falsa, nepp*, valse`,
    `mail, mails, e-mail, rechnung, webseite, link, sms, courriel, site, lien, correo, mensaje, enlace, sito, messaggio, mensagem, bericht, datos bancarios`,
    `nez, teeth, alarme`,
  ),
  beside(
    `unterlagen, *unterlagen, dokumente, kundendaten, rechnungen, akten, daten, documents, dossiers, documentos, facturas, documenti, fatture, gegevens, schwachstelle*`,
    `für alle, öffentlich sichtbar, im internet sichtbar, einsehbar, frei abrufbar, kritische*, visibles par, accessibles à, visibles para, accesibles sin, visibili a, zichtbaar voor iedereen`,
    `museum, ausstellung, bibliothek`,
  ),
  beside(
    `mot de passe, mots de passe, clé, clés, clave*, contraseña*, chiave, chiavi, password, chave*, senha*, wachtwoord*, sleutel*, passwort, passwörter`,
    `en clair, dépôt, publié*, divulgu*, publicad*, repositorio, texto plano, expuest*, in chiaro, repository, pubblicat*, repositório, expost*, openbaar, im klartext`,
  ),
  beside(
    `virus, trojan*, trojaner, malware, ransomware`,
    `chiffré, chiffrés, cifrado, cifrados, verschlüsselt, cifrat*, encriptad*, criptograf*, versleuteld, encrypted, fichiers, archivos, dateien, ficheiros, bestanden`,
  ),
]
